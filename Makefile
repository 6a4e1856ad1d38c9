# Two commands are enough: `make demo` and `make test`. Both make `.venv` with everything in it first.
# Needed on the machine: Python 3.11 to 3.13 with venv, git, make.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup demo serve test explore check fmt bench soak docs

# Each `hub` process of a test would compile every module anew.
unexport PYTHONDONTWRITEBYTECODE

ARGS ?=
ROUNDS ?= 20
BIN := .venv/bin
STAMP := .venv/.orderhub-installed

# The first interpreter that runs, is in range and can make environments; a version manager's stub may do none of it.
PYTHON ?= $(shell for name in python3.13 python3.12 python3.11 python3; do \
	if "$$name" -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	>/dev/null 2>&1; then echo "$$name"; break; fi; done)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): pyproject.toml constraints.txt
	@if ! $(BIN)/python -c '' 2>/dev/null; then \
		python="$(PYTHON)"; \
		if [ -z "$$python" ]; then \
			echo "No Python 3.11, 3.12 or 3.13 with venv found. Install one (Debian: apt install python3 python3-venv)," \
				"or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; exit 1; \
		fi; \
		echo "Making .venv with $$("$$python" --version)"; \
		"$$python" -m venv --clear .venv; \
	fi
	@echo "Installing what pyproject.toml names, at the versions of constraints.txt"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

setup: $(STAMP) ## make .venv and install everything into it

demo: $(STAMP) ## run a whole trading day and show what happened (ARGS="--serve" leaves the API up)
	@$(BIN)/hub demo $(ARGS)

serve: $(STAMP) ## run the API and the worker on the embedded database
	@$(BIN)/hub serve $(ARGS)

test: $(STAMP) ## run the tests (ARGS="tests/unit -k money" runs some)
	@$(BIN)/pytest -n 2 --dist worksteal $(ARGS)

explore: $(STAMP) ## look for examples that break what must always hold (ROUNDS=20)
	@for round in $$(seq $(ROUNDS)); do \
		echo "Round $$round of $(ROUNDS)"; \
		ORDERHUB_EXAMPLES=explore $(BIN)/pytest -q -n 2 --dist worksteal -m hypothesis tests/unit; \
	done

check: $(STAMP) ## run every gate but the tests: style, types, imports, shape, docs, migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	@folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
		export ORDERHUB_DATABASE_URL="sqlite:///$$folder/check.sqlite3"; \
		echo "alembic upgrade head && alembic check"; $(BIN)/alembic upgrade head; $(BIN)/alembic check
	$(BIN)/pytest -q tests/contract

fmt: $(STAMP) ## format the code and fix what can be fixed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP) ## measure the speed beside its ceilings (ARGS="--only NAME --json FILE")
	@$(BIN)/python -m bench $(ARGS)

soak: $(STAMP) ## kill it while it works, compare all books (ARGS="--setup sqlite --orders 2000 --kills 30 --json FILE")
	@$(BIN)/python -m tests.chaos.soak $(ARGS)

docs: $(STAMP) ## write the generated reference pages again
	@$(BIN)/python -m docs.generate $(ARGS)
