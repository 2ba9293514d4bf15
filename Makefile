PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
LOCK := layers/requirements.lock
UV_VERSION := 0.13.9

.PHONY: help setup check test unit demo lock clean

help:  ## Say what can be made.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(VENV)/.installed  ## Install everything the lock file names into .venv.

$(VENV)/.installed: pyproject.toml $(LOCK)
	@command -v node >/dev/null || { echo "Serinus needs Node.js 20 or newer (the CDK runs on it): install it, then run make again." >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet uv==$(UV_VERSION)
	$(BIN)/uv pip sync --quiet --require-hashes --compile-bytecode --python $(BIN)/python $(LOCK)
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --no-index --editable .
	touch $@
