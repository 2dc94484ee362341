# `make help` lists what there is. Everything runs inside .venv, which `make setup` makes from locked, hashed lists.
PORT ?= 8000
SLUICE_HOME ?= var
PYTHON ?= python3.11
BIN := .venv/bin
UV_COMPILE := $(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --python-version 3.11
export PYTHON SLUICE_HOME
# Compiled modules are kept even where the machine says otherwise: a program without them needs twice the time to start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo up test test-fast test-lake bench lint format lock

help: ## what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

setup: ## the virtual environment and Spark's folder (nothing is done twice)
	@requirements/setup.sh

demo: setup ## everything on one machine, with real flights; ONCE=1 ends after the result; PORT and SLUICE_HOME are honoured
	@exec $(BIN)/python manage.py demo --port "$(PORT)" $(if $(filter 1 yes true,$(ONCE)),--once)

up: setup ## the same without the demo's people and data
	@exec $(BIN)/python manage.py up --port "$(PORT)"

test: setup ## every check and test; gets Chromium and bubblewrap when it may (some 15 min)
	@$(BIN)/python -m tests.all

test-fast: setup ## the part without Spark and browser (some 3 min)
	@$(BIN)/python -m tests.all --fast

test-lake: setup ## the slow checks, and a table of what was tried and lost (at most 45 min)
	@$(BIN)/python -m pytest -m "lake or tally" -o timeout=900 --durations=15 tests/executor/stores $$(grep -rlE "mark\.(lake|tally)" --include="test_*.py" tests | grep -v tests/executor/stores | sort)

bench: setup ## measures, prints one table, writes bench/results.json
	@$(BIN)/python -m bench

lint: setup ## ruff, format, types, import rules, committed locks, templates, scripts
	@$(BIN)/python -m tests.all --lint

format: setup ## formats the Python code, templates, scripts and style sheets
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .
	@$(BIN)/python -m tests.scripts --write

lock: ## resolves the dependencies again and writes requirements/*.txt (no host names)
	$(UV_COMPILE) --extra demo --extra dev pyproject.toml -o requirements/lock.txt
	$(UV_COMPILE) requirements/uv.in -o requirements/uv.txt
	$(UV_COMPILE) requirements/build.in -o requirements/build.txt
