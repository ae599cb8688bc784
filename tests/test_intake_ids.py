"""Ids that spreadsheets have changed."""

import ibis
import pandas as pd
import pytest

from cvm_analysis.errors import InputError
from cvm_analysis.intake import ids


def table(*texts, **more):
    more = {"nth": 0, **more}
    return ibis.memtable(pd.DataFrame({"customer_id": pd.Series(texts, dtype="string"), **more}))


def test_a_point_and_a_zero_are_undone_and_no_id_is_none():
    rows = table("10002.0", "000003", "3", "NULL", "0", "  ", "1.5", "n/a", "a0")
    found = ids.clean(rows).to_pandas()["customer_id"]
    assert [None if pd.isna(each) else each for each in found] == [
        *("10002", "000003", "3", None, None, "", "1.5", None, "a0"),
    ]


def test_ids_without_their_digits_are_refused_with_their_number():
    rows = table("6.92538E+12", "a", "6.92538E+12", line=[2, 3, 4])
    with pytest.raises(InputError) as error:
        ids.refuse_lost(rows, ["customer_id"], ["sales.csv"])
    assert "sales.csv: 2 cells of customer_id have lost digits, the first on line 2" in str(error)
    ids.refuse_lost(table("5E2", "1e5", "6.9", line=[1, 2, 3]), ["customer_id"], ["sales.csv"])


def test_forms_of_one_id_are_counted_and_kept_apart():
    tables = {"transactions": table("000003", "000004", "x"), "customers_raw": table("3", "X", "5")}
    (said,) = ids.report_forms(tables, "transactions")
    assert said.startswith("customers: 0 of 3 customer ids are in transactions; 2 more would be")
    assert not ids.report_forms({"transactions": table("3"), "leads": table("3")}, "transactions")
