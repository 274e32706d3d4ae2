# Every target makes and fills .venv by itself. All that a machine needs is make and a Python from 3.8 to 3.13.
#
#   make demo              run the example project, from registration to a finished flow run
#   make test              run the whole test suite (ARGS="-k traps -x" goes to pytest)
#   make test-all          run it with each supported pair of Python and Kedro
#   make PYTHON=python3.9 …   make .venv from that Python (after `make clean`)

VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
CELLS ?=

# Tests wait for other processes half of their time, so that there are two workers for each core.
WORKERS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); echo $$((n < 4 ? 2 * n : 8)))

# Tests and the demo start hundreds of processes, each of which would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE

# The first Python on the path that prefect 1.1.0 is known to work with.
ifndef PYTHON
PYTHON := $(shell for python in python3 python3.13 python3.12 python3.11 python3.10 python3.9 python3.8 python; do \
	$$python -c 'import sys; sys.exit(not (3, 8) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	&& echo $$python && break; done)
endif

# pip from 24.1 refuses prefect 1.1.0 ("invalid metadata"). uv takes it; where uv has no wheel, an older pip does.
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
.PHONY: help demo test test-all corners grid-docs lint format bench docs install clean

help:
	@echo "make demo    the example project: kedro run registers, an agent runs a flow, all on this machine"
	@echo "make test    the whole test suite, against real HTTP (ARGS=… goes to pytest)"
	@echo "make test-all  the same with each supported pair of Python and Kedro (CELLS=… chooses)"
	@echo "make corners  the part that meets Kedro with the oldest and the newest pair"
	@echo "make lint    ruff and mypy --strict"
	@echo "make format  let ruff put the code in shape"
	@echo "make docs    build the documentation into site/"
	@echo "make bench   measure what a flow run costs over a plain kedro run"
	@echo "make clean   remove .venv and what the tools left behind"

demo: $(VENV)/.demo
	$(BIN)/python examples/demo.py $(ARGS)

test: $(VENV)/.test
	$(BIN)/python -m pytest -n $(WORKERS) --dist=worksteal $(ARGS)

# The grid: see noxfile.py.
test-all: $(VENV)/.nox
	WORKERS=$(WORKERS) $(BIN)/nox $(CELLS)

corners: $(VENV)/.nox
	WORKERS=$(WORKERS) $(BIN)/nox -s corner

# Takes the last `make test-all` into the documentation and constraints.txt.
grid-docs: $(VENV)/.nox $(VENV)/.test
	$(BIN)/nox -s record
	$(BIN)/python docs/generate.py

lint: $(VENV)/.test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --strict

format: $(VENV)/.test
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(VENV)/.test
	@test -f benchmarks/run.py || { echo "There is no benchmarks/run.py yet."; exit 1; }
	$(BIN)/python benchmarks/run.py $(ARGS)

docs: $(VENV)/.docs
	$(BIN)/mkdocs build --strict

install: $(VENV)/.test

clean:
	rm -rf $(VENV) .nox site .pytest_cache .mypy_cache .ruff_cache

# A virtual environment is made once; an extra is installed anew only when pyproject.toml has changed.
$(VENV)/.made:
	@test -n "$(PYTHON)" || { echo "No Python from 3.8 to 3.13 on the path: name one with PYTHON=…" >&2; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) --version) …"
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

$(VENV)/.docs: $(VENV)/.made pyproject.toml
	$(call install,docs)
