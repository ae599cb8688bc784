"""No fault of a file ends in a traceback, and none loses a row.

`benchmarks/mutations.py` draws ten times as many.
"""

import numpy as np
import pandas as pd
import pytest
import yaml
from mutations import KINDS, config, good, mutate, outcome

from cvm_analysis import prepared, validate
from cvm_analysis.errors import CvmError
from cvm_analysis.intake.prepare import prepare


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_is_a_message_or_no_row_is_lost(tmp_path, kind):
    content = good(kind)
    found = [outcome(kind, mutate(content, np.random.default_rng(i)), tmp_path) for i in range(40)]
    assert outcome(kind, content, tmp_path) == (0 if kind == "yaml" else 40)
    assert kind == "yaml" or all(isinstance(each, int) or "faulty" in each for each in found)
    assert sum(isinstance(each, str) for each in found) >= 3


def test_a_parquet_file_that_arrow_reads_and_duckdb_does_not_is_one_message(tmp_path):
    faulty = mutate(good("parquet"), np.random.default_rng(906))
    assert "damaged or cut off" in outcome("parquet", faulty, tmp_path)


@pytest.mark.parametrize("seed", range(6))
def test_rows_read_are_accepted_or_quarantined(tmp_path, seed):
    rng = np.random.default_rng(seed)
    (tmp_path / "sales.csv").write_bytes(mutate(good("csv"), rng))
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(config("sales.csv"), allow_unicode=True), "utf-8")
    try:
        settings = validate.check(path)
        prepare(settings)
    except CvmError as error:
        assert error.exit_code in (2, 3)
        return
    made = prepared.stamp(settings)
    excluded = len(pd.read_parquet(settings.prepared / "quarantine.parquet"))
    assert made["rows_read"] == made["rows_accepted"] + excluded == made["files"][0]["n_rows"]
