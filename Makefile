# setup, report, test, quick, proofs, sources, schedules, airflow, spark, remote, lab, bench, figures, docs: each sets up what
# it needs, then runs it.
.PHONY: setup report test quick proofs sources schedules airflow spark remote lab bench figures docs
.DEFAULT_GOAL := report

# Where it is set, every start would compile all libraries anew.
unexport PYTHONDONTWRITEBYTECODE
PYTHON ?= python3.11
BIN := .venv/bin

setup: .venv/installed

.venv/installed: requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing: install Python 3.11 with venv, or name yours: make PYTHON=..."; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --upgrade "pip<27"
	$(BIN)/pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

report: setup
	$(BIN)/cvm sample data/sample
	$(BIN)/cvm run config/sample.yaml --language en --language zh

# The tests of notebooks read the sample's prepared tables.
test: setup
	$(BIN)/cvm sample data/sample
	$(BIN)/cvm prepare config/sample.yaml
	$(BIN)/python -m pytest

# The tests of modules: without the notebooks, whole runs and reports in a browser.
quick: setup
	$(BIN)/python -m pytest tests --ignore tests/test_end_to_end.py --ignore tests/test_browser.py --ignore tests/test_five_sources.py

# What holds in 95 of 100 invented businesses needs hundreds of them: after a change of statistics.
proofs: setup
	$(BIN)/python -m pytest -m slow tests --ignore tests/test_five_sources.py --ignore tests/test_hostile_names.py --ignore tests/test_airflow.py --ignore tests/test_scheduled_runs.py

# Reports from a Shopify export, Olist's tables, a Chinese and a German list, PostgreSQL, and hostile names.
sources: setup
	$(BIN)/python -m pytest -n 0 -m "slow or not slow" tests/test_five_sources.py tests/test_hostile_names.py

# Whole runs as a schedule starts them: two at once, a full disk, a notebook that hangs.
schedules: setup
	$(BIN)/python -m pytest -n 0 -m "slow or not slow" tests/test_scheduled_runs.py

# The shipped DAG in a real Airflow, which has an environment of its own.
airflow: setup .airflow/installed
	$(BIN)/python -m pytest -n 0 -m "slow or not slow" tests/test_airflow.py

.airflow/installed: requirements-airflow.txt
	$(PYTHON) -m venv .airflow
	.airflow/bin/pip install --quiet --disable-pip-version-check -r requirements-airflow.txt
	@touch $@

# The tests on Spark, which lies in .spark/ beside .venv and needs Java 17.
spark: setup .spark/installed
	PYTHONPATH="$(CURDIR)/.spark" $(BIN)/python -m pytest -n 0 tests/test_engine.py

.spark/installed: requirements-spark.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps --upgrade --target .spark -r requirements-spark.lock
	@touch $@

# The tests of copies on a store, with a server of S3, which lies in .remote/ beside .venv.
remote: setup .remote/installed
	PYTHONPATH="$(CURDIR)/.remote" $(BIN)/python -m pytest -n 0 tests/test_prepared_copy.py

.remote/installed: requirements-remote.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps --upgrade --target .remote -r requirements-remote.lock
	@touch $@

# The kernel of .lab/ reloads the package when it changes; scheduled runs use another one.
lab: report
	$(BIN)/cvm drafts config/sample.yaml --region east
	JUPYTER_PATH="$(CURDIR)/.lab" $(BIN)/jupyter lab --notebook-dir notebooks

# Not among them, as it takes hours: benchmarks/big_region.py FOLDER (100,000,000 order lines; 10 GB of disk).
bench: setup
	$(BIN)/cvm sample data/sample
	$(BIN)/cvm prepare config/sample.yaml
	for part in contracts silence; do $(BIN)/python benchmarks/churn_ratios.py $$part; done
	$(BIN)/python benchmarks/churn_calibration.py
	$(BIN)/python benchmarks/churn_recalibration.py config/sample.yaml
	$(BIN)/python benchmarks/watch_list.py
	for part in growth errors; do $(BIN)/python benchmarks/churn_scale.py $$part; done
	$(BIN)/python benchmarks/segments_speed.py growth 3
	$(BIN)/python benchmarks/cluster_false_finds.py
	$(BIN)/python benchmarks/alerts.py
	$(BIN)/python benchmarks/notebook_faults.py 40 0 1
	$(BIN)/python benchmarks/run_time.py
	$(BIN)/python benchmarks/tiny_regions.py
	$(BIN)/python benchmarks/forecasts.py
	$(BIN)/python benchmarks/last_day.py
	for part in parquet text files; do $(BIN)/python benchmarks/prepare_speed.py $$part; done
	$(BIN)/python benchmarks/crm_export.py 1000000 csv zoho
	$(BIN)/python benchmarks/kills.py
	$(BIN)/python benchmarks/clv_convergence.py 500
	$(BIN)/python benchmarks/totals.py
	$(BIN)/python benchmarks/campaigns.py
	for part in growth exact; do $(BIN)/python benchmarks/budget.py $$part; done
	for part in speed "shuffles config/sample.yaml all" "hits config/sample.yaml"; do $(BIN)/python benchmarks/products.py $$part; done
	for part in drivers "scores 400" complaints; do $(BIN)/python benchmarks/experience.py $$part; done
	for part in histories bg_nbd pareto_nbd growth scoring; do $(BIN)/python benchmarks/clv_speed.py $$part; done

# After a change that is meant to change figures: store the new ones in the notebooks.
figures: setup
	$(BIN)/cvm sample data/sample
	$(BIN)/cvm prepare config/sample.yaml
	$(BIN)/python tests/store_figures.py

# The API reference, made from the docstrings, in docs/api/.
docs: setup
	$(BIN)/python docs/reference/build.py
