"""The API reference lists what is public, and our docstrings become lists and headings."""

import importlib.util
from pathlib import Path

import pytest

pytest.importorskip("pdoc")

FILE = Path(__file__).parent.parent / "docs" / "reference" / "build.py"
DOCSTRING = """Score each customer.

bins, low : equal groups; a customer with
    equal values shares a score

Returns
-------
r : score, best is a recent one
Columns for all.
"""


@pytest.fixture(scope="module")
def build():
    spec = importlib.util.spec_from_file_location("reference", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_terms_become_a_list_and_underlined_words_a_heading(build):
    lines = [line for line in build.to_markdown(DOCSTRING).splitlines() if line]
    assert lines == [
        "Score each customer.",
        "- **bins, low**: equal groups; a customer with",
        "  equal values shares a score",
        "**Returns**",
        "- **r**: score, best is a recent one",
        "Columns for all.",
    ]
    assert build.to_markdown("Alias for field number 0") == ""


def test_a_type_is_written_without_checks_and_without_the_place_in_a_library(build):
    import pandas as pd

    from cvm_analysis.strategy.catalogue import Limit

    assert build.plain(Limit) == "dict[str, float]"
    assert build.plain(pd.DataFrame) == "DataFrame"


@pytest.mark.slow
def test_every_module_is_named_once_and_no_private_one(build):
    found = build.modules()
    assert len(found) == len({*found}) and not [name for name in found if "._" in name]
    assert "cvm_analysis.customers.one_customer" in found, "its package lists functions alone"
