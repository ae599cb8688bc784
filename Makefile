# setup, report, test, lab: each sets up what it needs, then runs it.
.PHONY: setup report test lab
.DEFAULT_GOAL := report

PYTHON ?= python3.11
BIN := .venv/bin

setup: .venv/installed

.venv/installed: requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing: install Python 3.11 with venv, or name it: make PYTHON=/path/to/python3.11"; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

report: setup
	$(BIN)/cvm sample data/sample
	$(BIN)/cvm run config/sample.yaml

test: setup
	$(BIN)/python -m pytest

lab: setup
	$(BIN)/cvm sample data/sample
	$(BIN)/cvm drafts config/sample.yaml --region east
	$(BIN)/jupyter lab --notebook-dir notebooks

