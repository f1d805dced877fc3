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

test: setup
	$(BIN)/python -m pytest

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) demo-outputs build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
