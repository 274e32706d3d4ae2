# Every target creates .venv automatically. A machine needs only make and Python 3.8 to 3.13.
#
#   make demo                 run the example project, from registration to a finished flow run
#   make test                 run the full test suite (ARGS="-k traps -x" is passed to pytest)
#   make test-places          run flows in containers, with object stores, Git and Kubernetes
#   make fuzz SECONDS=1800    compare random projects and commands with Kedro's own runner
#   make test-all             run it for each supported pair of Python and Kedro
#   make PYTHON=python3.9 …   create .venv with this Python (after `make clean`)

VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
CELLS ?=

# Tests spend half of their time waiting for other processes, hence two workers per core.
WORKERS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); echo $$((n < 4 ? 2 * n : 8)))

# Tests and the demo start hundreds of processes. Without this, each would compile everything that it imports.
unexport PYTHONDONTWRITEBYTECODE

# The first Python on the PATH that Prefect 1.1.0 is known to work with.
ifndef PYTHON
PYTHON := $(shell for python in python3 python3.13 python3.12 python3.11 python3.10 python3.9 python3.8 python; do \
	$$python -c 'import sys; sys.exit(not (3, 8) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	&& echo $$python && break; done)
endif

# pip 24.1 and later reject Prefect 1.1.0 ("invalid metadata"). uv accepts it; where uv has no wheel, use an older pip.
define install
	@echo "Installing kedro-prefect-hooks[$(1)] into $(VENV) …"
	@if $(BIN)/python -m uv --version >/dev/null 2>&1; then \
		$(BIN)/python -m uv pip install --compile-bytecode --python $(BIN)/python --editable '.[$(1)]'; \
	else \
		$(BIN)/python -m pip install --editable '.[$(1)]'; \
	fi
	@touch $@
endef

.DEFAULT_GOAL := help
.PHONY: help demo test test-places clean-places fuzz test-all corners grid-docs lint format bench docs install clean

help:
	@echo "make demo      run the example project: register its flows, and run one with an agent"
	@echo "make test      run the full test suite (ARGS=… is passed to pytest)"
	@echo "make test-places  run flows in containers, with object stores, Git and Kubernetes (needs root or Docker)"
	@echo "make clean-places  delete the images of these tests"
	@echo "make fuzz      compare random projects and commands with Kedro's own runner (SECONDS=600)"
	@echo "make test-all  run it for each supported pair of Python and Kedro (CELLS=… selects some)"
	@echo "make corners   run the tests that depend most on Kedro, with the oldest and the newest pair"
	@echo "make lint      run ruff, mypy --strict and codespell"
	@echo "make format    format the code with ruff"
	@echo "make docs      build the documentation into site/"
	@echo "make bench     measure the cost of a flow run compared with a plain kedro run"
	@echo "make clean     remove .venv and the files that the tools created"

demo: $(VENV)/.demo
	$(BIN)/python examples/demo.py $(ARGS)

test: $(VENV)/.test
	$(BIN)/python -m pytest -n $(WORKERS) --dist=worksteal $(ARGS)

# Gets what it needs (see tests/places/engine.py), and says so where a machine cannot have it. Its images stay in the
# user's cache folder, for every clone on the machine.
test-places: $(VENV)/.places
	$(BIN)/python -m tests.places $(ARGS)

clean-places: $(VENV)/.test
	$(BIN)/python -m tests.places --delete-cache

# SEED=… repeats a session, CASE=… one case of it; KEEP=1 continues after a difference. PYTHON_BIN=… is a Python
# with another Kedro, in which `.[test]` is installed.
SECONDS ?= 600
PYTHON_BIN ?= $(BIN)/python
fuzz: $(VENV)/.test
	$(PYTHON_BIN) -m tests.differential.fuzz --seconds $(SECONDS) $(if $(SEED),--seed $(SEED)) \
		$(if $(CASE),--case $(CASE)) $(if $(KEEP),--keep) $(ARGS)

# For each pair of Python and Kedro: see noxfile.py.
test-all: $(VENV)/.nox
	WORKERS=$(WORKERS) $(BIN)/nox $(CELLS)

corners: $(VENV)/.nox
	WORKERS=$(WORKERS) $(BIN)/nox -s corner

# Writes the results of the last `make test-all` to the documentation and constraints.txt.
grid-docs: $(VENV)/.nox $(VENV)/.test
	$(BIN)/nox -s record
	$(BIN)/python docs/generate.py

lint: $(VENV)/.test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --strict
	$(BIN)/codespell

format: $(VENV)/.test
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(VENV)/.test
	@test -f benchmarks/run.py || { echo "benchmarks/run.py does not exist."; exit 1; }
	$(BIN)/python benchmarks/run.py $(ARGS)

docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

install: $(VENV)/.test

clean:
	rm -rf $(VENV) .nox site .pytest_cache .mypy_cache .ruff_cache

# .venv is created once; an extra is installed again only if pyproject.toml has changed.
$(VENV)/.made:
	@test -n "$(PYTHON)" || { echo "No Python 3.8 to 3.13 on the PATH. Set PYTHON=…" >&2; exit 1; }
	@echo "Creating $(VENV) with $$($(PYTHON) --version) …"
	@$(PYTHON) -m venv --clear $(VENV) || uv venv --seed --clear --python $(PYTHON) $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary uv uv \
		|| $(BIN)/python -m pip install --quiet --disable-pip-version-check 'pip<24.1'
	@touch $@

$(VENV)/.nox: $(VENV)/.made
	@$(BIN)/python -m uv pip install --quiet --python $(BIN)/python 'nox[uv]>=2025.2.9'
	@touch $@

$(VENV)/.demo: $(VENV)/.made pyproject.toml
	$(call install,demo)

$(VENV)/.test: $(VENV)/.made pyproject.toml
	$(call install,test)
	@touch $(VENV)/.demo  # [test] includes [demo]

$(VENV)/.places: $(VENV)/.made pyproject.toml
	$(call install,places)
	@touch $(VENV)/.test $(VENV)/.demo  # [places] includes [test]

$(VENV)/.docs: $(VENV)/.made pyproject.toml
	$(call install,docs)
