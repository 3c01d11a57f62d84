# `make run` and `make test` do all of their own set-up, by scripts/environment.sh. CONTRIBUTING.md explains every target.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := test
# A gateway is several processes, and tests start hundreds: each would compile three hundred modules anew.
export PYTHONDONTWRITEBYTECODE :=

bin := .venv/bin
environment := @scripts/environment.sh
adapter_python := BREAKEVEN_ADAPTER_PYTHON="$${BREAKEVEN_ADAPTER_PYTHON:-$(CURDIR)/.venv-adapter/bin/python}"
# Only providers that do not speak the OpenAI dialect need the adapter's environment.
adapter_if_needed := $(if $(strip $(ANTHROPIC_API_KEY)$(GEMINI_API_KEY)),adapter)

pytest = $(adapter_python) $(bin)/pytest -m "not prove" -n 2 --dist loadfile
# What is pure is covered by its own tests; counting lines would slow the others down.
covered := tests/core tests/surfaces

.PHONY: run demo local test lint format prove bench scale economics docs lock clean
.PHONY: prove-all prove-faults prove-clients prove-compiled

run:
	$(environment) run $(adapter_if_needed)
	@$(adapter_python) exec $(bin)/breakeven serve

demo:
	$(environment) run
	@exec $(bin)/breakeven demo

# A real vLLM with a small model, and a policy that starts and stops it.
local:
	$(environment) run local
	@echo "Now run: $(bin)/breakeven serve --policy policies/local.yaml"

test: lint
	$(environment) test adapter
	$(pytest) --durations 5 $(covered) \
		--cov=router.core --cov=router.surfaces --cov-branch --cov-report=term-missing:skip-covered --cov-fail-under=100
	$(pytest) --durations 15 tests $(addprefix --ignore ,$(covered))

lint:
	$(environment) test
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(bin)/mypy
	$(bin)/lint-imports

format:
	$(environment) test
	$(bin)/ruff check --fix .
	$(bin)/ruff format .

docs:
	$(environment) test
	$(bin)/python -m tests.docs.reference docs/policy.md
	$(bin)/python -m tests.docs.sign_in docs/sign-in.md
	$(bin)/python -m tests.prove.troubles docs/ledger.md
	$(bin)/python -m tests.docs.detecting docs/detectors.md
	$(bin)/python -m tests.docs.columns docs/commands.md
	$(bin)/python -m tests.docs.surfaces docs/surfaces.md

# WHAT=faults plays every way in which a backend can fail, in every form, against a whole gateway, and writes docs/faults.md.
# WHAT=clients runs clients of others, each as it is, against a whole gateway in a network without anything else, and writes
# docs/clients.md; REAL_VLLM_URL names a vLLM for the part that needs one.
# WHAT=compiled runs the tests of what is compiled against it: the source tree must not be importable, not in a child process
# either.
WHAT := all
prove: prove-$(WHAT)

prove-all:
	$(environment) test adapter
	$(adapter_python) $(bin)/pytest -m prove --timeout 1800

prove-faults:
	$(environment) test adapter
	$(adapter_python) $(bin)/python -m tests.prove.faulty_report docs/faults.md

prove-clients:
	$(environment) test clients
	$(bin)/python -m tests.clients docs/clients.md

prove-compiled:
	$(environment) compiled-test adapter
	@cd / && $(CURDIR)/.venv-compiled-test/bin/python -c 'from router.gateway import http_connection; assert http_connection.__file__.endswith(".so")'
	$(adapter_python) PYTHONSAFEPATH=1 .venv-compiled-test/bin/pytest -m "not prove" -o pythonpath=tests \
		tests/core tests/surfaces tests/gateway tests/upstream tests/ledger tests/app

bench:
	$(environment) test adapter
	$(adapter_python) $(bin)/python -m tests.bench

# QUICK=--quick tries it on any machine, and does not replace what is published.
scale:
	$(environment) test
	$(bin)/python -m tests.bench.scale $(QUICK)

# Takes a few minutes of one core; fails when the rule of core.power costs more than docs/economics.md allows.
economics:
	$(environment) test
	$(bin)/python -m tests.economics docs/economics.md

# Keeps the pins that still fit; `make lock UPGRADE=--upgrade` takes the newest of everything. UV_FIND_LINKS or UV_INDEX says
# where torch has its builds for CPUs.
lock:
	$(environment) lock
	@lock() { .venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
		--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(UPGRADE) "$$@"; }; \
	lock pyproject.toml --group build -o locks/run.txt; \
	lock pyproject.toml --group build --group test -c locks/run.txt -o locks/test.txt; \
	lock pyproject.toml --group build --extra otel -c locks/test.txt -o locks/otel.txt; \
	lock pyproject.toml --group build --extra alerts -c locks/test.txt -o locks/alerts.txt; \
	lock pyproject.toml --group build --extra presidio -c locks/run.txt -o locks/presidio.txt; \
	lock pyproject.toml --group build --extra litellm -c locks/run.txt -o locks/adapter.txt; \
	lock pyproject.toml --group build --group compile -c locks/run.txt -c locks/test.txt -o locks/compile.txt; \
	lock --group clients -o locks/clients.txt; \
	lock --group clients-llama-index -o locks/clients-llama-index.txt; \
	lock --group lock -o locks/lock.txt; \
	lock_linux() { .venv-lock/bin/uv pip compile --quiet --python-version 3.11 --python-platform linux --generate-hashes \
		--no-annotate --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(UPGRADE) "$$@"; }; \
	lock_linux --extra local pyproject.toml -o locks/local.txt; \
	lock_linux --extra local-cpu pyproject.toml -o locks/local-cpu.txt --no-emit-package torch \
		--no-emit-package torchvision --no-emit-package torchaudio --no-emit-package torchcodec; \
	lock_linux --no-deps --group model -o locks/model.txt

clean:
	rm -rf .venv .venv-adapter .venv-presidio .venv-clients .venv-clients-llama-index tests/clients/node/node_modules .venv-local .venv-lock .venv-compiled .venv-compiled-build .venv-compiled-test build dist
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .bench breakeven.egg-info tests/artifacts
	find router tests -name __pycache__ -prune -exec rm -rf {} +
