"""What is too few is decided in one table: at the bound it is enough, one below it is not."""

import re
from pathlib import Path

import pytest

import cvm_analysis
from cvm_analysis.minimum_data import NEEDS, Note, shortfalls
from cvm_analysis.texts import languages, words

EVERY = [(part, need) for part, needs in NEEDS.items() for need in needs]


@pytest.mark.parametrize(("part", "need"), EVERY)
def test_at_the_bound_it_is_enough_and_one_below_a_note_says_so(part, need):
    assert shortfalls(part, **{need.counted: need.at_least}) == []
    short = need.at_least - 1
    assert shortfalls(part, **{need.counted: short}) == [
        Note(part, need.otherwise, float(short), float(need.at_least))
    ]


def test_everything_that_lacks_is_noted():
    assert [note.code for note in shortfalls("purchase_model", buyers=3, repeat_buyers=1)] == [
        "own_rate_few_buyers",
        "own_rate_few_repeat_buyers",
    ]
    assert shortfalls("purchase_model", buyers=1_000, repeat_buyers=500) == []


def test_a_reader_meets_whole_weeks_never_as_many_as_needed_and_never_fewer_than_none():
    assert [note.have for note in shortfalls("holdout", weeks=3.9)] == [3]
    assert [note.have for note in shortfalls("holdout", weeks=-13.2)] == [0]


def test_a_count_that_is_not_given_is_not_asked_for():
    assert shortfalls("holdout", weeks=4) == []
    assert [note.code for note in shortfalls("holdout", weeks=3.9)] == ["no_holdout_short_history"]


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize(("part", "need"), EVERY)
def test_the_reader_is_told_in_every_language(language, part, need):
    said = words(language)(f"notes.{need.otherwise}", have="3", need=str(need.at_least))
    assert "{" not in said


@pytest.mark.parametrize(("part", "need"), EVERY)
def test_every_need_is_asked_for_somewhere(part, need):
    """A bound that no code asks for is a promise nobody keeps."""
    root = Path(cvm_analysis.__file__).parent
    files = [*root.rglob("*.py"), *(root.parent.parent / "notebooks").glob("*.ipynb")]
    calls = []
    for path in files:
        code = path.read_text("utf-8").replace("\\", "")
        if re.search(rf'^PART\b.*= "{part}"', code, re.M):
            code = code.replace("shortfalls(PART", f'shortfalls("{part}"')
        calls += [call[:200] for call in code.split(f'shortfalls("{part}"')[1:]]
    assert any(f"{need.counted}=" in call for call in calls)
