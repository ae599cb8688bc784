"""Conditions against truth tables: every value, every way to join, the missing value included."""

import itertools

import pandas as pd
import pytest
from pydantic import ValidationError

from cvm_analysis.strategy import conditions

VALUES = [None, 0.0, 1.0, 1.5, 2.0]
WORDS = [None, "A", "B", "C"]
TABLE = pd.DataFrame(
    list(itertools.product(VALUES, WORDS, [None, True, False])), columns=["n", "grade", "lapsed"]
)
BOUNDS = {
    "at_least": lambda value, bound: value >= bound,
    "at_most": lambda value, bound: value <= bound,
    "above": lambda value, bound: value > bound,
    "below": lambda value, bound: value < bound,
}


def holds(written, row):
    """The same by plain Python, row by row."""
    if "all" in written:
        return all(holds(part, row) for part in written["all"])
    if "any" in written:
        return any(holds(part, row) for part in written["any"])
    if "not" in written:
        return not holds(written["not"], row)
    value = row.get(written["column"])
    value = None if value is None or value != value else value
    if "is_known" in written and (value is not None) != written["is_known"]:
        return False
    tests = [
        BOUNDS[name](value, written[name])
        for name in BOUNDS
        if name in written and value is not None
    ]
    asked = any(name in written for name in (*BOUNDS, "is"))
    if "is" in written and value is not None:
        words = written["is"] if isinstance(written["is"], list) else [written["is"]]
        tests.append(any(str(value) == str(word) or value == word for word in words))
    return all(tests) and (value is not None or not asked)


SIMPLE = [
    *({"column": "n", name: bound} for name in BOUNDS for bound in (0, 1.5)),
    {"column": "n", "at_least": 0, "below": 2},
    {"column": "n", "is": [0, 2]},
    {"column": "n", "is": 1},
    {"column": "n", "is_known": True},
    {"column": "n", "is_known": False},
    {"column": "grade", "is": "A"},
    {"column": "grade", "is": ["B", "C"]},
    {"column": "lapsed", "is": True},
    {"column": "nobody_has_it", "above": 0},
    {"column": "nobody_has_it", "is_known": False},
    {"column": "nobody_has_it", "is_known": False, "above": 0},
    {"column": "n", "is_known": False, "at_most": 1},
]


def is_as_by_hand(written):
    found = conditions.evaluate(conditions.read(written), TABLE)
    assert found.dtype == bool and found.index.equals(TABLE.index)
    expected = [holds(written, row) for row in TABLE.astype(object).to_dict("records")]
    assert found.tolist() == expected, written


@pytest.mark.parametrize("written", SIMPLE, ids=str)
def test_a_comparison_and_its_opposite(written):
    is_as_by_hand(written)
    is_as_by_hand({"not": written})


@pytest.mark.parametrize("how", ["all", "any"])
def test_every_two_comparisons_joined(how):
    for pair in itertools.combinations(SIMPLE, 2):
        is_as_by_hand({how: list(pair)})
        is_as_by_hand({"not": {how: [pair[0], {"not": pair[1]}]}})


def test_a_missing_value_satisfies_no_comparison():
    missing = TABLE["n"].isna()
    for name in BOUNDS:
        found = conditions.evaluate(conditions.read({"column": "n", name: 1}), TABLE)
        assert not found[missing].any() and found.any()


def test_numbers_that_are_recorded_as_text_are_compared_as_numbers():
    table = pd.DataFrame({"floor_area": ["90", "120", "unknown", None]})
    found = conditions.evaluate(conditions.read({"column": "floor_area", "at_least": 100}), table)
    assert found.tolist() == [False, True, False, False]
    found = conditions.evaluate(conditions.read({"column": "floor_area", "is": [90]}), table)
    assert found.tolist() == [True, False, False, False]


def test_columns_are_listed_in_the_order_written_and_once():
    written = {"all": [SIMPLE[0], {"not": {"any": [SIMPLE[-7], SIMPLE[1]]}}, SIMPLE[-5]]}
    assert conditions.columns(conditions.read(written)) == ["n", "grade", "lapsed"]
    assert conditions.columns(conditions.read(written), needed=True) == ["n", "lapsed"]


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("how", ["all", "any"])
def test_a_condition_can_hold_if_some_row_satisfies_it(how, n):
    """The rows hold every value that matters, so that brute force knows."""
    dense = [x / 4 for x in range(-2, 14)]
    table = pd.DataFrame(
        list(itertools.product([None, *dense], WORDS, [None, True, False])),
        columns=["n", "grade", "lapsed"],
    )
    more = [*SIMPLE, {"column": "n", "at_least": 2, "at_most": 1}, {"column": "n", "above": 0}]
    parts = [p for p in more if p["column"] != "nobody_has_it"]
    parts += [{"not": part} for part in parts]
    for chosen in itertools.combinations(parts, n):
        if len({conditions.columns(conditions.read(part))[0] for part in chosen}) > 1:
            continue  # comparisons of two columns cannot contradict each other
        for written in ({how: list(chosen)}, {"not": {how: list(chosen)}}):
            condition = conditions.read(written)
            found = conditions.evaluate(condition, table).any()
            assert conditions.can_hold(condition) == found, written


def test_what_needs_a_column_that_is_not_there_cannot_hold():
    points = {"column": "points", "at_least": 1}
    overdue = {"column": "days_overdue", "above": 0}

    def can_hold(written):
        return conditions.can_hold(conditions.read(written), lambda column: column != "points")

    assert not can_hold(points) and can_hold(overdue)
    assert not can_hold({"all": [points, overdue]}) and can_hold({"any": [points, overdue]})
    assert can_hold({"all": [{"not": points}, overdue]})
    assert can_hold({"column": "points", "is_known": False})


RANGES = {"risk": (0.0, 1.0), "n": (0.0, float("inf"))}
KINDS = {"risk": "share"} | {
    "n": "days",
    "grade": "text",
    "lapsed": "yes_no",
    "born": "date",
    "own": "as_recorded",
}


@pytest.mark.parametrize(
    ("written", "keys", "said"),
    [
        ({"column": "grad", "is": "A"}, ("column",), "no column 'grad'; did you mean 'grade'?"),
        ({"column": "n"}, ("column",), "nothing is asked of 'n'; set at_least"),
        ({"column": "grade", "above": 1}, ("above",), "'grade' is no number"),
        ({"column": "born", "at_least": 1}, ("at_least",), "'born' is no number"),
        ({"column": "n", "is": "many"}, ("is",), "'n' is a number, not 'many'"),
        ({"column": "grade", "is": ["A", "D"]}, ("is",), "no grade 'D'; known are A, B"),
        ({"column": "risk", "at_least": 50}, ("at_least",), "'risk' is from 0 to 1, not 50"),
        ({"column": "n", "below": -1}, ("below",), "'n' is from 0 to inf, not -1"),
        ({"column": "own", "is": True}, ("is",), "write Yes, No, True"),
        ({"column": "lapsed", "is": "maybe"}, ("is",), "'lapsed' is yes or no, not 'maybe'"),
    ],
)
def test_what_cannot_be_meant_is_found_with_its_place(written, keys, said):
    codes = {"grade": ["A", "B"]}
    for above, wrap in (((), lambda w: w), (("all", "1"), lambda w: {"all": [SIMPLE[0], w]})):
        ((at, text),) = conditions.find_problems(
            conditions.read(wrap(written)), KINDS, codes, RANGES
        )
        assert at == (*above, *keys) and text.startswith(said)
    negated = {"not": {"any": [written]}}
    ((at, _),) = conditions.find_problems(conditions.read(negated), KINDS, codes, RANGES)
    assert at == ("not", "any", "0", *keys)


@pytest.mark.parametrize(
    "written",
    [
        {"column": "n", "above": 1},
        {"column": "own", "above": 1},
        {"column": "risk", "at_least": 1},
        {"column": "own", "is": ["large", 3]},
        {"column": "lapsed", "is": True},
        {"column": "born", "is_known": True},
    ],
    ids=str,
)
def test_what_can_be_meant_is_accepted(written):
    assert not list(conditions.find_problems(conditions.read(written), KINDS, {}, RANGES))


@pytest.mark.parametrize(
    "written", [{"all": []}, {"any": SIMPLE[0]}, {"colum": "n"}, {"column": "n", "over": 1}, [], 5]
)
def test_another_form_is_refused(written):
    with pytest.raises(ValidationError):
        conditions.read(written)
