PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORK_DIR ?= demo-outputs
READY := $(VENV)/.ready

.PHONY: setup demo test lint clean

setup: $(READY)

# Versions come from constraints.txt; torch is installed with the rest, so that torchvision fits it.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@

demo: setup
	$(BIN)/python run.py --demo --work-dir "$(WORK_DIR)"

# Two processes; the tests of a file share what they set up. One thread each, or they would wait for each other's. In the
# order of their folders: long files first, so that no process is left with one at the end.
test: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) demo-outputs build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
