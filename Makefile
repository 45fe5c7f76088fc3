# Notebook's commands. `make` alone lists them.
SHELL := /bin/sh
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
# The first of these that is Python 3.11 or newer.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
MANAGE := $(BIN)/python manage.py

.PHONY: help setup setup-dev run test coverage chaos soak lint format schema lock bench peers clean browser

help:  ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/installed  ## Create .venv and install the dependencies

setup-dev: $(VENV)/installed-dev  ## The same, plus the dependencies of tests and checks

run: setup  ## Start everything; PORT (8000) and DATA_DIR (.data) choose where. Ctrl-C stops
	@$(BIN)/python -m notebook.stack --stop-with-parent

test: setup-dev browser lint  ## Check everything, as CI does. ARGS goes to pytest
	$(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder $(ARGS)

# The task state machine; the tests of tasks/ alone cover every branch of it.
STATE_MACHINE := tasks/models/task.py,tasks/services.py,tasks/moves.py,tasks/runner.py,tasks/sweeper.py,tasks/outbox.py,tasks/queue.py
coverage: export COVERAGE_FILE = $(VENV)/coverage
coverage: setup-dev  ## Check that the tests of tasks/ cover every branch of the state machine
	$(BIN)/coverage run --branch --include=$(STATE_MACHINE) -m pytest tasks $(ARGS)
	$(BIN)/coverage report --show-missing --fail-under=100

chaos: setup-dev  ## Fault tests of the whole stack; report in .chaos/. ROWS="F30 F31" selects some. ARGS
	$(BIN)/python -m pytest chaos -m chaos --report .chaos/report.md --rows "$(ROWS)" $(ARGS)

soak: setup-dev  ## 500 documents under random faults, some 15 minutes. ARGS="--documents 50"
	$(BIN)/python -m chaos.soak $(ARGS)

lint: setup-dev  ## Check style, types, import directions, migrations, the API's schema
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(MANAGE) makemigrations --check --dry-run
	$(MANAGE) spectacular --validate --fail-on-warn --file $(VENV)/openapi.yaml
	test ! -f openapi.yaml || diff -u openapi.yaml $(VENV)/openapi.yaml

format: setup-dev  ## Format the code and fix style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

schema: setup-dev  ## Regenerate openapi.yaml
	$(MANAGE) spectacular --validate --fail-on-warn --file openapi.yaml

bench: setup-dev  ## Run one benchmark, for instance NAME=embedder; ARGS goes to it
	@test -n "$(NAME)" || { echo "NAME is one of:"; ls bench | sed -n 's/^\([a-z]*\)\.py$$/  \1/p'; exit 1; }
	$(BIN)/python -m bench.$(NAME) $(ARGS)

PEERS := $(VENV)/peers
peers: setup-dev  ## Install what bench/ compares with, into a separate venv (2 GB)
	$(BIN)/uv venv --quiet --allow-existing $(PEERS)
	# Copies: LlamaIndex refuses linked files.
	$(BIN)/uv pip install --quiet --link-mode copy --python $(PEERS)/bin/python -r bench/requirements-peers.txt
	$(BIN)/uv pip install --quiet --python $(PEERS)/bin/python --no-deps -r bench/requirements-peers-alone.txt

COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
	--no-header --annotation-style line --upgrade
lock: setup  ## Update the pinned versions in requirements*.txt
	$(COMPILE) requirements.in --output-file requirements.txt
	$(COMPILE) requirements-dev.in --output-file requirements-dev.txt
	$(COMPILE) bench/requirements-peers.in --output-file bench/requirements-peers.txt

clean:  ## Remove .venv and caches; DATA_DIR stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- How setup works ----------------------------------------------------------------------------
$(BIN)/uv:
	@test -n "$(PYTHON)" || { echo "Notebook needs Python 3.11 or newer; none was found." >&2; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) --version) ..."
	@$(PYTHON) -m venv $(VENV) || { \
		echo "Python's venv module is missing: apt-get install python3-venv" >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

# uv is several times faster; pip respects the system's own configuration.
INSTALL = $(BIN)/uv pip install --quiet --python $(BIN)/python -r $(1) \
	|| $(BIN)/python -m pip install --quiet --disable-pip-version-check -r $(1)

$(VENV)/installed: requirements.txt | $(BIN)/uv
	@echo "Installing dependencies (about a minute) ..."
	@$(call INSTALL,$<)
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt requirements.txt | $(BIN)/uv
	@echo "Installing dependencies of tests and checks ..."
	@$(call INSTALL,$<)
	@touch $@ $(VENV)/installed

# The page is tested in a real browser, with a font for Chinese; gettext finds missing translations.
TOOLS = command -v chromium >/dev/null && command -v xgettext >/dev/null
browser:
	@$(TOOLS) || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null; } \
		|| { echo "Install Chromium and gettext; the tests of the page and its languages need them." >&2; exit 1; }
	@$(TOOLS) || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk gettext >/dev/null; }
