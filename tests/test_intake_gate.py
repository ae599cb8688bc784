"""What stops a run: the rule, the number of rows and where the first one stands."""

import pandas as pd
import pytest
from small_business import NAMED, small

from cvm_analysis.errors import GateError
from cvm_analysis.intake import gate
from cvm_analysis.settings import load

HEAD = "customer_id,ordered_at,amount,land\n"
FOUND = "{from: land, pool_below: 1}"


def stopped(folder, rows, regions=FOUND, limit=0.02):
    with pytest.raises(GateError) as error:
        small(folder, regions, {"sales.csv": HEAD + rows}, limit=limit)
    assert error.value.exit_code == 3
    kept = gate.quarantine_folder(load(folder / "small.yaml"))
    return str(error.value), pd.read_parquet(kept / "quarantine.parquet")


@pytest.mark.parametrize("limit", [0.02, 1])
@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("a,25/10/23,5,X\nb,26/10/23,6,Y\n", "no_date: 2 rows of transactions are 100.0%"),
        ("a,2024-01-02,5,\nb,2024-01-03,6,\n", "no_region: 2 rows of transactions are 100.0%"),
        ("NULL,2024-01-02,5,X\n0,2024-01-03,6,X\n", "missing_customer_id: 2 rows"),
    ],
)
def test_where_every_row_is_excluded_the_rule_and_the_number_are_said(tmp_path, rows, says, limit):
    said, excluded = stopped(tmp_path, rows, limit=limit)
    assert says in said and "the first is line 2 of sales.csv" in said
    assert len(excluded) == 2
    assert ("no row is accepted" in said) == (limit == 1)


def test_a_rule_is_named_with_the_first_value_that_breaks_it(tmp_path):
    rows = "a,2024-01-02,5,X\nb,26/10/23,6,Y\n"
    said, excluded = stopped(tmp_path, rows)
    assert "no_date: 1 rows of transactions are 50.0%, 2.0% are allowed" in said
    assert "the first is line 3 of sales.csv: '26/10/23'" in said and len(excluded) == 1


def test_regions_by_name_alike(tmp_path):
    said, _ = stopped(tmp_path, "a,2024-01-02,5,X\n", NAMED, limit=1)
    assert "no_region: 1 rows" in said
