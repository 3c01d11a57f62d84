# `make run` and `make test` do all of their own set-up. CONTRIBUTING.md explains every target.
# Environments are filled from hash-locked files only; stamps inside them make a second run start at once.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
.DELETE_ON_ERROR:
.DEFAULT_GOAL := test

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

bin := .venv/bin
installed := .venv/.installed
testing := .venv/.testing
adapter := .venv-adapter/.installed
locking := .venv-lock/.installed

# The locks are complete, so pip resolves nothing: it would take a newer release for a requirement with an extra, such as
# coverage[toml], and then refuse it for want of a hash.
pip_install := -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: -r
# The source tree itself, in place. setuptools comes from the lock, so building it downloads nothing.
pip_install_tree := -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
adapter_python := BREAKEVEN_ADAPTER_PYTHON="$${BREAKEVEN_ADAPTER_PYTHON:-$(CURDIR)/.venv-adapter/bin/python}"
# Only providers that do not speak the OpenAI dialect need the adapter's environment.
adapter_if_needed := $(if $(strip $(ANTHROPIC_API_KEY)$(GEMINI_API_KEY)),$(adapter))

.PHONY: run install test lint types imports format docs prove bench adapter lock clean

run: $(installed) $(adapter_if_needed)
	@$(adapter_python) exec $(bin)/breakeven serve

test: lint types imports $(adapter)
	$(adapter_python) $(bin)/pytest -m "not prove" \
		--cov=router.core --cov-branch --cov-report=term-missing:skip-covered --cov-fail-under=100

lint: $(testing)
	$(bin)/ruff check .
	$(bin)/ruff format --check .

types: $(testing)
	$(bin)/mypy

imports: $(testing)
	$(bin)/lint-imports

format: $(testing)
	$(bin)/ruff check --fix .
	$(bin)/ruff format .

docs: $(testing)
	$(bin)/python -m tests.docs.reference docs/policy.md

prove: $(testing) $(adapter)
	$(adapter_python) $(bin)/pytest -m prove

bench: $(testing) $(adapter)
	$(adapter_python) $(bin)/python -m tests.bench

adapter: $(adapter)

# Everything that running needs and nothing that testing needs: for deployments.
install: $(installed) $(adapter)

# Keeps the pins that still fit; `make lock UPGRADE=--upgrade` takes the newest of everything.
lock: $(locking)
	@lock() { .venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
		--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(UPGRADE) "$$@"; }; \
	lock pyproject.toml --group build -o locks/run.txt; \
	lock pyproject.toml --group build --group test -c locks/run.txt -o locks/test.txt; \
	lock pyproject.toml --group build --extra litellm -c locks/run.txt -o locks/adapter.txt; \
	lock --group lock -o locks/lock.txt

clean:
	rm -rf .venv .venv-adapter .venv-lock build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -rf .coverage .bench breakeven.egg-info tests/artifacts
	find router tests -name __pycache__ -prune -exec rm -rf {} +

# A changed lock makes the environment anew, so that nothing stays behind that the lock no longer names.
.venv/.filled: locks/run.txt
	$(call new_environment,.venv,locks/run.txt)
	@touch $@

.venv-adapter/.filled: locks/adapter.txt
	$(call new_environment,.venv-adapter,locks/adapter.txt)
	@touch $@

$(installed) $(adapter): %/.installed: pyproject.toml %/.filled
	$*/bin/python $(pip_install_tree)
	@touch $@

$(testing): locks/test.txt $(installed)
	.venv/bin/python $(pip_install) locks/test.txt
	@touch $@

$(locking): locks/lock.txt
	$(call new_environment,.venv-lock,locks/lock.txt)
	@touch $@

define new_environment
@test -n "$(PYTHON)" || { echo "Python 3.11 or newer with venv is needed (on Debian: apt install python3-venv)" >&2; exit 1; }
$(PYTHON) -m venv --clear $(1)
$(1)/bin/python $(pip_install) $(2)
endef
