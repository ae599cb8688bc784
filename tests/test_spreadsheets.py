"""Texts that a spreadsheet would calculate."""

import pytest

from cvm_analysis.spreadsheets import is_formula, no_formula


@pytest.mark.parametrize("sign", [*"=+-@\t\r\n", "＝", "＋", "－", "＠"])
def test_what_owasp_names_gets_an_apostrophe(sign):
    assert is_formula(f"{sign}1+1")
    assert no_formula(f"{sign}1+1") == f"'{sign}1+1"


@pytest.mark.parametrize("value", ["1+1", "a=b", "", "'=1", -5, 3.5, None])
def test_anything_else_stays(value):
    assert no_formula(value) is value
