"""Amounts as people write them: read right, refused, or asked; never off by a thousand."""

import ibis
import pandas as pd
import pytest

from cvm_analysis.errors import InputError
from cvm_analysis.intake import numbers


def read(texts, decimal=None):
    raw = ibis.memtable(pd.DataFrame({"cell": pd.Series(texts, dtype="string")}))
    found = raw.select(n=numbers.number(raw.cell, decimal)).to_pandas()["n"]
    return [None if n is None or n != n else float(n) for n in found]


def ask(*texts):
    raw = ibis.memtable(pd.DataFrame({"nth": 0, "cell": pd.Series(texts, dtype="string")}))
    numbers.ask_decimal(raw, ["cell"], ["sales.csv"])


def test_signs_and_brackets_are_understood():
    written = {
        **{"(12.00)": -12, "12.00-": -12, "-12": -12, "+3.5": 3.5, "($5.00)": -5, "-¥5": -5},
        **{"5.00 €": 5, "９４．５０": 94.5, "5.00元": 5, "¥ 1,234.50": 1234.5, "1 234.50": 1234.5},
        **{"1'234.50": 1234.5, "9,450.00元": 9450, "1e3": 1000, ".5": 0.5, "5.": 5},
        **{"394,32": None, "1.234,56": None, "1_000": None, "1,2345": None, "12,34": None},
        **{"5 kg": None, "": None, "-": None, "()": None, "1.2.3": None, "(-5)": None},
    }
    assert read(list(written)) == list(written.values())


def test_a_decimal_comma_holds_for_every_cell_of_the_source():
    written = {"1.234,56": 1234.56, "394,32": 394.32, "12.345": 12345, "9,450": 9.45, "7": 7}
    written |= {"399,22 €": 399.22, "(12,00)": -12, "1 234,5": 1234.5, "94.5": None}
    assert read(list(written), "comma") == list(written.values())


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (["394,32", "12"], "1 numbers have a decimal comma, such as 394,32"),
        (["1.234,56", "1.234"], "set `decimal: comma`"),
        (["9,450", "11,948"], "`decimal: point` on the source if that is 9450, or"),
        (["9.450", "11.948", "7"], "if that is 9.450, or `decimal: comma` if it is 9450"),
        (["9,450", "0.5", "0,5"], "1 numbers may mean two things"),
    ],
)
def test_doubt_is_asked(texts, says):
    with pytest.raises(InputError) as error:
        ask(*reversed(texts))
    assert says in str(error.value).replace("11,948", "9,450").replace("11948", "9450").replace(
        "11.948", "9.450"
    )


@pytest.mark.parametrize(
    "texts",
    [
        ["9,450", "94.50"],
        ["1,234,567", "9,450"],
        ["0.125", "12.345"],
        ["7", "x", ""],
        ["523", "-1,096", "71"],
    ],
)
def test_one_certain_cell_settles_the_others(texts):
    ask(*texts)
