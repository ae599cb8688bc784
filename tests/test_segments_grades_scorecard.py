"""A scorecard that contradicts itself is refused, all of it at once; a day has one version."""

import datetime as dt
import json
from dataclasses import replace

import pytest
from pydantic import TypeAdapter, ValidationError

from cvm_analysis.errors import ConfigError, InputError
from cvm_analysis.segments.grades import scorecard
from cvm_analysis.segments.grades.scorecard import Indicator, Scorecard

SPEND = Indicator("spend", "net_sales_365d", 0.6, bands=((0, 20), (1000, 60), (5000, 100)))
PAYMENT = Indicator(
    "payment", "payment_days", 0.4, better="low", bands=((30, 100), (60, 60), (90, 20))
)
CARD = Scorecard("dealer", dt.date(2024, 1, 1), (SPEND, PAYMENT), {"A": 70, "B": 40, "C": 0})
QUOTA = replace(CARD, grades={"A": 0.1, "B": 0.3, "C": 0.6}, by_quota=True)
KNOWN = ["payment_days", "sales_target", "net_sales_365d"]


def with_spend(**changes):
    return replace(CARD, indicators=(replace(SPEND, **changes), PAYMENT))


@pytest.mark.parametrize(
    "card",
    [
        CARD,
        QUOTA,
        with_spend(bands=None, bins=100, unit_cost=0.5, step=1.0, missing=0, per="sales_target"),
        with_spend(bands=None, scale=(0, 1000)),
        with_spend(bands=None, scale=(0.2, 0.0), better="low"),
        with_spend(bands=((1000, 100),)),
        replace(CARD, min_weight=1),
        replace(QUOTA, grades={"A": 1 / 3, "B": 1 / 3, "C": 1 / 3}),
        replace(
            CARD,
            indicators=tuple(Indicator(c, "net_sales_365d", 0.1, bins=2) for c in "abcdefghij"),
        ),
    ],
)
def test_what_a_manager_may_write_is_accepted(card):
    assert scorecard.find_problems(card, KNOWN) == []
    scorecard.check(card, KNOWN)


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("card", "keys", "says"),
    [
        (with_spend(weight=0.5), "indicators", "sum to 0.9;"),
        (with_spend(weight=0.0), "indicators.spend.weight", "more than 0"),
        (with_spend(weight=NAN), "indicators.spend.weight", "more than 0"),
        (with_spend(bins=5), "indicators.spend", "it has bands and bins"),
        (with_spend(bands=None), "indicators.spend", "it has none"),
        (with_spend(bands=()), "indicators.spend.bands", "at least one"),
        (with_spend(bands=((0, 20), (0, 60))), "indicators.spend.bands", "values must rise"),
        (with_spend(bands=((9, 60), (0, 20))), "indicators.spend.bands", "values must rise"),
        (with_spend(bands=((0, 60), (9, 20))), "indicators.spend.bands", "points must rise"),
        (with_spend(bands=((0, 20), (9, 20))), "indicators.spend.bands", "points must rise"),
        (with_spend(better="low"), "indicators.spend.bands", "points must fall"),
        (with_spend(bands=((0, 20), (9, 101))), "indicators.spend.bands", "from 0 to 100"),
        (with_spend(bands=((INF, 20),)), "indicators.spend.bands", "finite"),
        (with_spend(bands=((NAN, 20),)), "indicators.spend.bands", "finite"),
        (with_spend(bands=None, scale=(5, 5)), "indicators.spend.scale", "two different"),
        (with_spend(bands=None, scale=(0, INF)), "indicators.spend.scale", "two different"),
        (with_spend(bands=None, scale=(9, 0)), "indicators.spend.scale", "swap them"),
        (with_spend(bands=None, bins=1), "indicators.spend.bins", "from 2 to 100, not 1"),
        (with_spend(bands=None, bins=101), "indicators.spend.bins", "from 2 to 100, not 101"),
        (with_spend(missing=101), "indicators.spend.missing", "leave_out or points"),
        (with_spend(unit_cost=0.0), "indicators.spend.unit_cost", "more than 0"),
        (with_spend(step=-1.0), "indicators.spend.step", "more than 0"),
        (with_spend(column="net_sales_356d"), "indicators.spend.column", "mean 'net_sales_365d'"),
        (with_spend(per="target"), "indicators.spend.per", "mean 'sales_target'"),
        (
            with_spend(per="xyz"),
            "indicators.spend.per",
            "known are net_sales_365d, payment_days, sales_target",
        ),
        (replace(CARD, indicators=(SPEND, SPEND)), "indicators.spend", "2 indicators have"),
        (replace(CARD, indicators=()), "indicators", "at least one"),
        (replace(CARD, min_weight=0), "min_weight", "more than 0"),
        (replace(CARD, min_weight=1.1), "min_weight", "at most 1"),
        (replace(CARD, grades={"A": 0}), "grades", "two or more"),
        (replace(CARD, grades={}), "grades", "two or more"),
        (replace(CARD, grades={"A": 101, "B": 0}), "grades.A", "from 0 to 100"),
        (replace(CARD, grades={"A": 40, "B": 40, "C": 0}), "grades.B", "fewer points than A (40)"),
        (replace(CARD, grades={"A": 70, "B": 40}), "grades.B", "for all others"),
        (replace(CARD, grades={"not_graded": 70, "B": 0}), "grades.not_graded", "use another"),
        (replace(QUOTA, grades={"A": 0.1, "B": 0.8}), "grades", "shares sum to 0.9;"),
        (replace(QUOTA, grades={"A": 0.0, "B": 1.0}), "grades.A", "above 0"),
    ],
)  # fmt: skip
def test_each_mistake_is_named_by_its_setting(card, keys, says):
    found = {".".join(at): said for at, said in scorecard.find_problems(card, KNOWN)}
    assert says in found[keys]


@pytest.mark.parametrize("mistake", [{"better": "height"}, {"missing": "out"}, {"bins": 2.5}])
def test_what_is_of_another_kind_is_refused_as_it_is_read(mistake):
    with pytest.raises(ValidationError, match=next(iter(mistake))):
        with_spend(**mistake)


def test_a_quota_is_written_instead_of_thresholds():
    written = {"customer_type": "dealer", "valid_from": "2024-01-01", "indicators": {}}
    quota = {"A": 0.1, "B": 0.9}
    read = TypeAdapter(Scorecard).validate_python
    card = read(written | {"quota": quota})
    assert (card.by_quota, card.grades, card.indicators) == (True, quota, ())
    with pytest.raises(ValidationError, match="both written"):
        read(written | {"quota": quota, "grades": quota})


def test_a_mistake_is_not_blamed_on_other_settings():
    wrong = scorecard.find_problems(with_spend(unit_cost=-1.0), KNOWN)
    assert [keys for keys, _ in wrong] == [("indicators", "spend", "unit_cost")]


def test_all_mistakes_are_in_one_message_a_line_each():
    card = replace(with_spend(weight=0.5, step=0.0), min_weight=2, grades={"A": 1, "B": 1})
    with pytest.raises(ConfigError) as error:
        scorecard.check(card)
    lines = str(error.value).splitlines()
    starts = [line.split(": ")[0] for line in lines]
    assert starts == ["indicators", "indicators.spend.step", "grades.B", "grades.B", "min_weight"]


def test_columns_are_checked_only_where_they_are_given():
    scorecard.check(with_spend(column="anything"))


NEXT = replace(CARD, valid_from=dt.date(2025, 7, 1))


@pytest.mark.parametrize(
    ("day", "version"),
    [
        (dt.date(2024, 1, 1), CARD),
        (dt.date(2025, 6, 30), CARD),
        (dt.date(2025, 7, 1), NEXT),
        (dt.date(2030, 1, 1), NEXT),
    ],
)
def test_the_latest_version_that_has_begun_counts(day, version):
    assert scorecard.valid_on([CARD, NEXT], day) is version
    assert scorecard.valid_on([NEXT, CARD], day) is version


def test_before_the_first_version_the_message_says_when_it_begins():
    with pytest.raises(ConfigError, match=r"dealer .* on 2023-12-31; .* from 2024-01-01"):
        scorecard.valid_on([NEXT, CARD], dt.date(2023, 12, 31))
    with pytest.raises(ConfigError, match="no scorecard"):
        scorecard.valid_on([], dt.date(2023, 12, 31))


def test_two_versions_of_one_day_are_refused():
    with pytest.raises(ConfigError, match=r"2\.valid_from: two versions .* 2024-01-01"):
        scorecard.valid_on([CARD, NEXT, CARD], dt.date(2026, 1, 1))
    assert scorecard.find_version_problems([CARD, NEXT]) == []


def test_learned_bands_survive_json_and_written_ones_are_not_among_them():
    learned = {"spend": [[10.0, 50.0], [0.1 + 0.2, 100.0]]}
    binned = with_spend(bands=None, bins=3)
    used = scorecard.with_bands(binned, learned)
    assert used.indicators[0].bands == ((10.0, 50.0), (0.1 + 0.2, 100.0))
    assert used.indicators[1] == PAYMENT
    assert json.loads(json.dumps(scorecard.bands(used))) == learned
    assert scorecard.bands(binned) == scorecard.bands(CARD) == {}


def test_bands_that_were_not_learned_are_asked_for():
    with pytest.raises(InputError, match="for spend; learn them again"):
        scorecard.with_bands(with_spend(bands=None, bins=3), {"payment": [[1, 2]]})


def test_words_need_points_and_have_no_order():
    scene = Indicator("scene", "scene", 1.0, points={"commercial": 80, "home": 140}, step=1)
    made = Scorecard("project", dt.date(2024, 1, 1), (scene,), {"A": 50, "B": 0})
    with pytest.raises(ConfigError) as refused:
        scorecard.check(made)
    assert str(refused.value).splitlines() == [
        "indicators.scene.points.home: must be points from 0 to 100, not 140",
        "indicators.scene.step: words have no order; leave this setting out",
    ]
    none = replace(made, indicators=(replace(scene, points={}, step=None, better="low"),))
    with pytest.raises(ConfigError, match="at least one word") as refused:
        scorecard.check(none)
    assert "better: words have no order" in str(refused.value)
    scorecard.check(replace(made, indicators=(replace(scene, points={"x": 1}, step=None),)))
