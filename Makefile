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
# The benchmark has one of its own.
compiled_in ?= .venv-compiled
compiled := $(compiled_in)/.installed
sources := $(shell find router -type f -not -path '*/__pycache__/*')

# The locks are complete, so pip resolves nothing: it would take a newer release for a requirement with an extra, such as
# coverage[toml], and then refuse it for want of a hash.
pip_install := -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: -r
# The source tree itself, in place. setuptools comes from the lock, so building it downloads nothing.
pip_install_tree := -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
adapter_python := BREAKEVEN_ADAPTER_PYTHON="$${BREAKEVEN_ADAPTER_PYTHON:-$(CURDIR)/.venv-adapter/bin/python}"
# Only providers that do not speak the OpenAI dialect need the adapter's environment.
adapter_if_needed := $(if $(strip $(ANTHROPIC_API_KEY)$(GEMINI_API_KEY)),$(adapter))

.PHONY: run demo install compiled test lint types imports format docs prove prove-faults prove-compiled bench adapter otel lock clean

run: $(installed) $(adapter_if_needed)
	@$(adapter_python) exec $(bin)/breakeven serve

demo: $(installed)
	@exec $(bin)/breakeven demo

test: lint types imports $(adapter)
	$(adapter_python) $(bin)/pytest -m "not prove" -n 2 --dist loadfile --durations 15 \
		--cov=router.core --cov=router.surfaces --cov-branch --cov-report=term-missing:skip-covered --cov-fail-under=100

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
	$(bin)/python -m tests.prove.troubles docs/ledger.md
	$(bin)/python -m tests.docs.detecting docs/detectors.md
	$(bin)/python -m tests.docs.columns docs/commands.md

# The tests of what is compiled, against it: the source tree must not be importable, not in a child process either.
prove-compiled: .venv-compiled-test/.installed $(adapter)
	@cd / && $(CURDIR)/.venv-compiled-test/bin/python -c 'from router.gateway import http_connection; assert http_connection.__file__.endswith(".so")'
	$(adapter_python) PYTHONSAFEPATH=1 .venv-compiled-test/bin/pytest -m "not prove" -o pythonpath=tests \
		tests/core tests/surfaces tests/gateway tests/upstream tests/ledger tests/app

prove: $(testing) $(adapter)
	$(adapter_python) $(bin)/pytest -m prove --timeout 1800

# Every way in which a backend can fail, in every form, against a whole gateway: docs/faults.md is what came of it.
prove-faults: $(testing) $(adapter)
	$(adapter_python) $(bin)/python -m tests.prove.faulty_report docs/faults.md

bench: $(testing) $(adapter)
	$(adapter_python) $(bin)/python -m tests.bench

adapter: $(adapter)

# What traces need, into the environment of `make run`.
otel: .venv/.otel

# Everything that running needs and nothing that testing needs: for deployments.
install: $(installed) $(adapter)

# The same with the hot path compiled to C, in an environment of its own: less CPU per request, and no edit shows in it.
compiled: $(compiled)

# Keeps the pins that still fit; `make lock UPGRADE=--upgrade` takes the newest of everything.
lock: $(locking)
	@lock() { .venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
		--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(UPGRADE) "$$@"; }; \
	lock pyproject.toml --group build -o locks/run.txt; \
	lock pyproject.toml --group build --group test -c locks/run.txt -o locks/test.txt; \
	lock pyproject.toml --group build --extra otel -c locks/test.txt -o locks/otel.txt; \
	lock pyproject.toml --group build --extra litellm -c locks/run.txt -o locks/adapter.txt; \
	lock pyproject.toml --group build --group compile -c locks/run.txt -c locks/test.txt -o locks/compile.txt; \
	lock --group lock -o locks/lock.txt

clean:
	rm -rf .venv .venv-adapter .venv-lock .venv-compiled .venv-compiled-build .venv-compiled-test build dist
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .bench breakeven.egg-info tests/artifacts
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

$(compiled_in)-build/.filled: locks/compile.txt
	$(call new_environment,$(compiled_in)-build,locks/compile.txt)
	@touch $@

$(compiled_in)/.filled: locks/run.txt
	$(call new_environment,$(compiled_in),locks/run.txt)
	@touch $@

.venv-compiled-test/.filled: locks/test.txt
	$(call new_environment,.venv-compiled-test,locks/test.txt)
	@touch $@

# Built from a copy: something compiled in the source tree would hide the source beside it.
$(compiled_in)-build/.built: pyproject.toml setup.py $(sources) $(compiled_in)-build/.filled
	@$(compiled_in)-build/bin/python -c $(need_compiler)
	rm -rf $(@D)/source $(@D)/wheel
	mkdir $(@D)/source
	cp -R pyproject.toml setup.py README.md LICENSE router $(@D)/source
	find $(@D)/source -name __pycache__ -prune -exec rm -rf {} +
	BREAKEVEN_COMPILE=1 $(@D)/bin/python -m pip wheel --quiet --disable-pip-version-check --no-deps \
		--no-build-isolation --no-index --wheel-dir $(@D)/wheel ./$(@D)/source
	@touch $@

$(compiled) .venv-compiled-test/.installed: %/.installed: %/.filled $(compiled_in)-build/.built
	$*/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-index --force-reinstall \
		$(compiled_in)-build/wheel/*.whl
	@touch $@

.venv/.otel: locks/otel.txt $(installed)
	.venv/bin/python $(pip_install) locks/otel.txt
	@touch $@

$(testing): locks/test.txt $(installed)
	.venv/bin/python $(pip_install) locks/test.txt
	@touch $@

$(locking): locks/lock.txt
	$(call new_environment,.venv-lock,locks/lock.txt)
	@touch $@

define need_compiler
'import os, shutil, sys, sysconfig; \
compiler = os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc"; \
header = os.path.join(sysconfig.get_path("include"), "Python.h"); \
shutil.which(compiler.split()[0]) or sys.exit(f"Compiling needs a C compiler, {compiler} (on Debian: apt install gcc)"); \
os.path.exists(header) or sys.exit(f"Compiling needs the headers of Python, {header} (on Debian: apt install python3-dev)")'
endef

define new_environment
@test -n "$(PYTHON)" || { echo "Python 3.11 or newer with venv is needed (on Debian: apt install python3-venv)" >&2; exit 1; }
$(PYTHON) -m venv --clear $(1)
$(1)/bin/python $(pip_install) $(2)
endef
