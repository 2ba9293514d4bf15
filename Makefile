# One front door: `make demo` and `make test` install what they need first. `make help` lists the rest.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
LOCK := layers/requirements.lock
UV_VERSION := 0.13.9
PYTEST := $(BIN)/pytest

# A shell that forbids it would have every run, and every worker of one, compile all tests and their tools anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup check test unit demo bench-rollout bench-serving bench-watching layers lock clean
.DEFAULT_GOAL := help

help: ## List what can be made.
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 15

setup: $(VENV)/.installed ## Install everything that the lock file names into .venv.

$(VENV)/.installed: pyproject.toml $(LOCK)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Serinus needs Python 3.11 or newer; name it with: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@command -v node >/dev/null || \
	  { echo "Serinus needs Node.js 20 or newer, on which the CDK runs: install it, then run make again" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing what $(LOCK) names (about a minute)"
	@$(BIN)/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@$(BIN)/uv pip sync --quiet --require-hashes --compile-bytecode --python $(BIN)/python $(LOCK)
	@$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --python $(BIN)/python --editable .
	@touch $@

check: setup ## Formatting, lint, types, import rules.
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

test: setup ## Every test: unit, contract, integration, infra, end to end.
	$(PYTEST) -n auto --cov --cov-report=term tests/unit layers/core/python/serinus/domain layers/core/python/serinus/settings.py
	$(PYTEST) tests/contract tests/integration tests/infra
	$(PYTEST) tests/layers
	$(PYTEST) tests/e2e

unit: setup ## The unit tests alone.
	$(PYTEST) -n auto tests/unit layers/core/python/serinus/domain layers/core/python/serinus/settings.py

demo: setup ## A model's whole life on the embedded local cloud, in three minutes.
	@$(BIN)/python -m serinus.cli.demo

bench-rollout: setup ## What a rollout promises, simulated and measured beside what others do (three minutes).
	$(BIN)/python -m tests.benchmarks.rollout

layers: setup ## Build the Lambda layers from wheels into build/layers, compiled; say how large they are.
	$(BIN)/python -m infra_cdk.layers

bench-serving: setup ## Measure serving beside its floor and its peers: start, requests, sizes, costs (ten minutes).
	@$(BIN)/python -m tests.benchmarks.serving

bench-watching: setup ## Measure watching beside its floors and its peers: profiles, gates, drift, labels (14 minutes of the processor).
	@$(BIN)/python -m tests.benchmarks.watching

lock: ## Renew the lock file from pyproject.toml.
	$(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --no-header --no-annotate \
	  --no-emit-index-url --all-extras --group dev --python-version 3.11 pyproject.toml -o $(LOCK)

clean: ## Remove everything that was made.
	rm -rf $(VENV) build cdk.out .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage
