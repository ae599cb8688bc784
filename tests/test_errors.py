"""A misspelt name is answered with the nearest known one, or with what there is."""

import pytest

from cvm_analysis.errors import find_nearest, nearest


@pytest.mark.parametrize(
    ("name", "known", "said"),
    [
        ("chanel", ["brand", "channel"], "; did you mean 'channel'?"),
        ("colour", ["south", "east"], "; known are east, south"),
        ("colour", [], "; there are none"),
        (
            "x",
            [f"{i:02}" for i in range(30)],
            "; known are 00, 01, 02, 03, 04, 05, 06, 07, 08, 09,",
        ),
    ],
)
def test_the_nearest_name_or_those_there_are(name, known, said):
    assert nearest(name, known).startswith(said)
    assert len(nearest(name, known)) < 100


def test_what_else_to_do_takes_the_place_of_a_long_list():
    assert nearest("colour", ["east"], "add it") == nearest("colour", [], "add it") == "; add it"
    assert nearest("eats", ["east"], "add it") == "; did you mean 'east'?"


def test_the_nearest_name_may_have_to_be_nearly_the_same():
    known = ["customer_type", "channel"]
    assert find_nearest("custmer_type", known, 0.85) == "customer_type"
    assert find_nearest("customer_tier", known) == "customer_type"
    assert find_nearest("customer_tier", known, 0.85) is None
