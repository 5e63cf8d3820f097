# Two commands do everything on a machine with Python 3.11, git and make:  make demo   make test
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: help install demo test lint bench faults docs sample clean

help: ## what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

install: $(INSTALLED) ## create .venv with the tested versions

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "mmsearch needs Python 3.11 or newer; name it: make PYTHON=python3.11 install")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps resemblyzer==0.1.4 rapidocr-onnxruntime==1.4.4
	@touch $@

demo: $(INSTALLED) ## the whole pipeline on sample_data/, results as a person wants to see them
	@PATH="$(CURDIR)/$(BIN):$$PATH" bash examples/demo.sh

test: $(INSTALLED) ## every test, real models included, in two processes
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

lint: $(INSTALLED) ## style, types, floors, generated documents
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/make_cli_reference.py --check

bench: $(INSTALLED) ## speed, as ratios within one run
	$(BIN)/python -m bench

faults: $(INSTALLED) ## kills, two writers, full disks, damaged files: nothing lost, nothing mixed up
	$(BIN)/python -m faults

docs: $(INSTALLED) ## regenerate docs/cli.md from --help
	$(BIN)/python scripts/make_cli_reference.py

sample: $(INSTALLED) ## regenerate sample_data/
	$(BIN)/python scripts/make_sample_data.py

clean: ## remove what make made
	rm -rf $(VENV) .demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
