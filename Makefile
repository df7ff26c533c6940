# What a person with this repository can ask for. Each target does its own set-up, in .venv.
# `make demo` and `make test` are where to begin.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# The first Python on the path that is new enough and can make an environment (Debian packs venv
# apart); `make PYTHON=/path/to/python demo` names another.
NEW_ENOUGH := import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$python -c '$(NEW_ENOUGH)' 2>/dev/null && { echo $$python; break; }; done)

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install

# Two cores run the tests nearly twice as fast as one; beyond eight the tests that start many
# processes of their own would only get in each other's way. What is compiled is kept, even if the
# environment says otherwise: each of them would do it again.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/pytest --numprocesses auto --maxprocesses 8 --dist worksteal

# Where `make test-all` begins to explore, and which mutants are a sample; `make SEED=… test-all`
# explores the same again.
SEED ?= $(shell od -An -N4 -tu4 /dev/urandom | tr -d ' ')

.PHONY: demo test test-all test-cluster simulate fuzz check lint types format drill bench bench-cluster bench-peers mutants locale pins typer-pin build clean help

demo: $(VENV)/.runs  ## play a red packet's whole life on the screen, on a throw-away home
	@$(BIN)/hongbao demo

test: $(VENV)/.tests  ## run the tests
	@$(PYTEST)

test-all: $(VENV)/.tests  ## run the slow tests too, and let the random ones explore further
	@$(PYTEST) -m 'not cluster' --hypothesis-profile explore --hypothesis-seed $(SEED)

test-cluster: $(VENV)/.tests  ## run the tests on real database servers, the slow ones too with ALL=1
	@$(BIN)/pytest -m '$(if $(ALL),cluster,cluster and not slow)' tests/cluster tests/engines

simulate: $(VENV)/.tests  ## live simulated lives, without end or for so many STEPS=, from SEED=
	@HONGBAO_SIM_SEED=$(SEED) $(if $(STEPS),HONGBAO_SIM_STEPS=$(STEPS)) $(BIN)/python -m tests.simulation

fuzz: $(VENV)/.tests  ## fuzz each parser, guided by its coverage, for SECONDS= each (default 20)
	@$(PIP) --only-binary :all: atheris 2>/dev/null || true
	@SECONDS=$(or $(SECONDS),20) $(BIN)/python -m tests.fuzz.guided

check: lint types test  ## everything a change has to pass: lint, types, tests

lint: $(VENV)/.tests
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/.tests
	$(BIN)/mypy

format: $(VENV)/.tests  ## lay the code out the one way, and mend what lint can mend
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

drill: $(VENV)/.tests  ## lose a site of three, then a whole city, and prove that nothing is lost (OPTIONS=…)
	@$(BIN)/python tools/drill.py $(OPTIONS)

bench: $(VENV)/.runs  ## measure what things cost, as ratios against bare SQL
	@$(BIN)/python bench/run.py
	@$(BIN)/python bench/validation.py

bench-cluster: $(VENV)/.tests  ## measure what a ledger on a cluster costs, on real nodes of this machine
	@$(BIN)/python bench/cluster.py

bench-peers: $(VENV)/.runs  ## measure what the same costs with Redis, PostgreSQL, hledger and others
	@$(BIN)/python bench/peers/run.py

mutants: $(VENV)/.tests  ## put small faults into the code (MODULES=…, SAMPLE=…), and count those that the tests find
	@$(PIP) 'mutmut>=3.8'
	@$(BIN)/python tools/mutants.py $(MODULES) $(if $(SAMPLE),--sample $(SAMPLE) --seed $(SEED)) \
		$(if $(AGAIN),--again) $(if $(ALL),--all-tests) $(if $(SURVIVORS),--survivors)

locale: $(VENV)/.tests  ## collect every sentence people read, and compile the translations
	@$(BIN)/python tools/catalogue.py

pins: $(VENV)/.tests  ## take the newest releases of what hongbao stands on into requirements/
	@$(PIP) 'uv>=0.9'
	@$(BIN)/python tools/pins.py

typer-pin: $(VENV)/.tests  ## try whether the newest typer still needs its pin
	@$(PIP) --no-warn-conflicts --upgrade --target $(VENV)/newest-typer typer
	@HONGBAO_NEW_TYPER=$(VENV)/newest-typer $(BIN)/pytest -m '' tests/test_pins.py -k typer

build: $(VENV)/.tests  ## build the wheel into dist/
	@$(BIN)/python -m pip --disable-pip-version-check --quiet wheel --no-deps --wheel-dir dist .

clean:  ## remove what set-up and building made
	rm -rf $(VENV) build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache mutants
	find hongbao tests tools -name __pycache__ -prune -exec rm -rf {} +

help:  ## show this list
	@awk -F ':.*  ## ' '/^[a-z-]+:.*  ## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# --- set-up, done once and again whenever pyproject.toml changes -------------------------------------

$(BIN)/python:
	@[ -n "$(PYTHON)" ] && $(PYTHON) -c '$(NEW_ENOUGH)' 2>/dev/null || { \
		echo "hongbao needs Python 3.11 or newer with its venv module: install it, or name one with" \
			"'make PYTHON=/path/to/python3.11 $(or $(MAKECMDGOALS),demo)'" >&2; exit 2; }
	@echo "setting up $(VENV), once …" >&2
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 2; }

$(VENV)/.runs: pyproject.toml | $(BIN)/python
	@$(PIP) --editable .
	@touch $@

# The tests' own set-up installs all that the demo needs, so one never undoes the other.
$(VENV)/.tests: pyproject.toml | $(BIN)/python
	@$(PIP) --editable '.[dev]'
	@touch $@ $(VENV)/.runs
