"""Which sign numbers write decimals with: the cells show it together, or it is asked."""

import pytest

from cvm_analysis.draft.decimals import find_decimals, swap


@pytest.mark.parametrize(
    ("cells", "sign", "doubtful"),
    [
        (["394,32", "5"], "comma", ""),
        (["1.234,56"], "comma", ""),
        (["1.234.567,8"], "comma", ""),
        (["5,00 €", "-1.000,50 €"], "comma", ""),
        (["394.32", "1,234.56"], "point", ""),
        (["$1,234.50"], "point", ""),
        (["5.00元"], "point", ""),
        (["９４．５０"], "point", ""),
        (["0,546"], "comma", ""),  # nobody writes 546 so
        (["9,450"], "", "9,450"),
        (["12.345", "700"], "", "12.345"),
        (["9,450", "9,45"], "comma", ""),  # one cell decides for all
        (["12.345", "12,5"], "comma", ""),
        (["1,5", "1.5"], "", ""),  # they contradict each other
        (["5", "12"], "", ""),
        (["01.02.2024", "K-1", ""], "", ""),
    ],
)
def test_the_decimal_sign(cells, sign, doubtful):
    found = find_decimals(cells)
    assert (found.sign, found.doubtful) == (sign, doubtful)
    assert found.example in ("", *cells)


@pytest.mark.parametrize(
    ("cell", "number"),
    [("1.234,56", "1234.56"), ("5,00 €", "5.00"), ("12", "12"), ("see note", "see note")],
)
def test_numbers_with_a_comma_are_read_with_a_point(cell, number):
    assert swap(cell) == number


def test_a_return_keeps_its_sign():
    assert [swap(cell) for cell in ("-1.000,50", "€ -2,5", "(3,5)")] == ["-1000.50", "-2.5", "-3.5"]
