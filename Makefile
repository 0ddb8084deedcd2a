# Everything is installed into VENV, with the versions of constraints.txt.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: help demo test check lint bench docs reproduce clean

help:
	@echo "make demo   value the points of a bundled dataset, and make a page to explore them"
	@echo "make test   run the whole test suite"
	@echo "make check  all of CI: format, lint, types, tests"
	@echo "make bench  print the tables of the benchmarks"
	@echo "make docs   write the run on UCI Adult into docs/ (needs DATA_SCALING_DATA)"
	@echo "make reproduce   run the paper's experiments into docs/reproduction.md (hours)"

demo: $(VENV)/.demo
	$(BIN)/data-scaling run breast_cancer --draws 300 --density log-uniform \
		--min-cardinality 60 --max-cardinality 300 --out runs/demo
	@$(BIN)/data-scaling report runs/demo

test: $(VENV)/.dev
	$(BIN)/python -m pytest

check: lint test

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks.marginals
	$(BIN)/python -m benchmarks.sampling

reproduce: $(VENV)/.dev
	$(BIN)/python experiments/reproduce.py

docs: $(VENV)/.dev
	$(BIN)/data-scaling run adult --out runs/adult
	cp runs/adult/validation.png docs/adult-validation.png
	@{ printf '# All points of UCI Adult\n\n```console\n$$ data-scaling run adult\n```\n\n'; \
	   printf '```text\n'; cat runs/adult/summary.txt; printf '```\n\n'; \
	   printf '![Contributions and their laws](adult-validation.png)\n'; } > docs/adult.md

clean:
	rm -rf $(VENV) runs .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(INSTALL) -e '.[plot,data,report]'
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(INSTALL) -e '.[test,lint]'
	@touch $@
