"""Which rule a row breaks first, and how the broken ones are counted."""

import ibis
import pandas as pd
from judged_rows import DAY, judged

from cvm_analysis.intake import rules, table_rules


def test_each_broken_row_gets_the_first_rule_it_breaks():
    rows = judged(
        customer_id=["", "c", "c", "c", "c", "c"],
        ordered_at=["no", "no", "2026-01-02", "2026-01-01", "2025-01-01", "2025-01-01"],
        amount=["x", "x", "1", "x", "1", "2"],
        ragged=[False, False, False, False, True, False],
    )
    found = rows.order_by("line").rule.to_pandas()
    assert list(found[:5]) == [
        "missing_customer_id",
        "no_date",
        "in_the_future",
        "no_amount",
        "wrong_number_of_cells",
    ]
    assert pd.isna(found[5])


def test_of_repeated_lines_the_first_stays():
    later = [False, False, True, True]
    found = judged(repeated=later, amount=["1", "2", "1", "1"]).order_by("line").rule.to_pandas()
    assert list(found.fillna("")) == ["", "", "repeated_line", "repeated_line"]


def test_counts_of_quarantined_and_kept_rows_add_up():
    asked = table_rules.rules_for("transactions", DAY)
    rows = judged("keep", amount=["1", "x", "-1", "0"], repeated=[False, True, False, True])
    both = rules.count(rows, asked, "transactions").set_index(["region", "check"])
    counted = both.loc["all"]
    pd.testing.assert_frame_equal(both.loc["east"], counted)
    assert counted.loc["no_amount", ["n_rows", "share"]].tolist() == [1, 0.25]
    assert counted.loc[["return", "zero_amount"], "n_rows"].tolist() == [1, 1]
    assert counted.loc["repeated_line", "n_rows"] == 1  # the other repeat is quarantined already
    bad = rules.quarantine(rows, asked).to_pandas()
    assert bad[["file", "line", "rule", "column", "value"]].to_dict("records") == [
        {"file": "f.csv", "line": 3, "rule": "no_amount", "column": "amount", "value": "x"}
    ]


def test_a_row_is_counted_in_its_region_and_in_all_or_in_all_alone():
    asked = table_rules.rules_for("transactions", DAY)
    rows = judged("keep", amount=["1", "x", "x", "x"])
    places = ibis.cases(
        (rows.line == 2, "west"), (rows.line == 3, "west"), (rows.line == 4, "east")
    )
    counted = rules.count(rows.mutate(counted_in=places), asked, "transactions")
    bad = counted[counted["check"] == "no_amount"].set_index("region")
    assert bad["n_rows"].to_dict() == {"all": 3, "east": 1, "west": 1}
    assert bad["share"].to_dict() == {"all": 0.75, "east": 1.0, "west": 0.5}
