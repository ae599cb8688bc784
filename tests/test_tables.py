"""The description of every table, and that a table that differs from it is refused."""

import re
from typing import get_args

import pandas as pd
import pytest

from cvm_analysis.errors import InputError
from cvm_analysis.tables import TABLES, check
from cvm_analysis.tables.shape import Kind

STRATEGY = pd.DataFrame(
    {
        "scheme": "segment",
        "class": ["loyal", "loyal"],
        "rank": [0, 1],
        "action": ["letter", "call"],
        "n_members": 10,
        "n_contacts": 10,
        "cost": 1.0,
        "gain": 2.0,
        "net_gain": 1.0,
        "net_gain_low": -1.0,
        "net_gain_high": 3.0,
        "p_gain": 0.9,
        "evidence": "assumed",
    }
)


@pytest.mark.parametrize("name", TABLES)
def test_every_table_says_what_a_row_is_and_what_each_column_says(name):
    table = TABLES[name]
    assert table.grain.startswith("one row per ")
    assert table.key and set(table.key) <= set(table.columns)
    for column, said in table.columns.items():
        assert re.fullmatch("[A-Za-z][a-zA-Z0-9_]*", column) and said.says
        assert said.kind in get_args(Kind)
    assert not any(table.columns[column].optional for column in table.key)


def test_a_column_means_one_thing_wherever_it_stands():
    kinds = {}
    for table in TABLES.values():
        for name, column in table.columns.items():
            # a line's money, a customer's class; of leads won or lost, of lists a mean;
            # the class a customer had before, the figure of the year before
            if name not in ("amount", "value", "outcome", "before"):
                assert kinds.setdefault(name, column.kind) == column.kind, name


def test_customer_ids_are_text_everywhere():
    assert all(
        table.columns["customer_id"].kind == "text"
        for table in TABLES.values()
        if "customer_id" in table.columns
    )


def test_tables_cannot_be_changed():
    with pytest.raises(TypeError):
        TABLES["mine"] = TABLES["value"]


def test_a_table_as_described_is_accepted_and_left_alone():
    table = STRATEGY.copy()
    check("strategy", table)
    pd.testing.assert_frame_equal(table, STRATEGY)


def test_an_optional_column_may_be_absent():
    optional = {name for name, column in TABLES["customers"].columns.items() if column.optional}
    assert {"margin_total", "gender", "joined_on"} <= optional
    required = [name for name in TABLES["customers"].columns if name not in optional]
    check("customers", pd.DataFrame({name: ["x"] for name in required}))


def test_all_that_differs_is_said_at_once():
    table = STRATEGY.drop(columns=["cost", "gain"]).assign(costs=1)
    with pytest.raises(InputError) as error:
        check("strategy", table)
    assert str(error.value).splitlines() == [
        "table strategy (one row per class of a scheme and planned action; rank 0 is all of them "
        "together): 3 columns do not fit",
        "  cost: missing",
        "  gain: missing",
        "  costs: unknown",
    ]


def test_rows_with_the_same_key_are_counted():
    again = pd.concat([STRATEGY, STRATEGY, STRATEGY.head(1)])
    with pytest.raises(InputError, match="table strategy: 3 rows repeat a key"):
        check("strategy", again)


def test_a_customer_may_buy_twice_at_the_same_moment():
    line = {"customer_id": ["a"], "ordered_at": [pd.Timestamp("2025-01-01")], "amount": [1.0]}
    check("transactions", pd.concat([pd.DataFrame(line)] * 2))
