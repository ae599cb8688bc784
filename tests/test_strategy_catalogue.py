"""What an action may say, and what is found wrong with it; limits by region."""

import re
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from cvm_analysis.settings import load
from cvm_analysis.settings.rule_files import Strategies
from cvm_analysis.settings.shape import Business
from cvm_analysis.strategy import catalogue, conditions, facts
from cvm_analysis.strategy.catalogue import Action, Owner
from cvm_analysis.tables import TABLES

CONFIG = Path(__file__).parent.parent / "config"
KINDS = {"days_overdue": "days", "grade": "text", "points_expiring": "number", "risk": "share"}
CODES = {"grade": ["A", "B"]}
RANGES = {"risk": (0.0, 1.0)}
CALL = {
    "code": "call",
    "when": {"column": "days_overdue", "above": 0},
    "owner": "sales",
    "channel": ["phone"],
    "cost": 20,
    "effect": {"on": "margin_at_stake", "low": 0.02, "likely": 0.08, "high": 0.15},
}


def action(**more):
    return TypeAdapter(Action).validate_python(CALL | more)


def problems(**more):
    return list(catalogue.find_problems(action(**more), ["sales"], KINDS, CODES, RANGES))


def test_an_action_needs_no_more_than_this():
    call = action()
    assert not problems()
    assert (call.kind, call.scope, call.control_share, call.pause_days) == (
        *("marketing", "customer", 0, 0),
    )
    assert (call.success.measure, call.effect.evidence) == ("margin", "assumed")


@pytest.mark.parametrize(
    ("kind", "consent", "needed"),
    [
        *(("marketing", None, True), ("service", None, False), ("recovery", None, False)),
        *(("marketing", False, False), ("service", True, True)),
    ],
)
def test_marketing_needs_consent_unless_the_action_says_otherwise(kind, consent, needed):
    assert action(kind=kind, consent=consent).needs_consent == needed


def test_a_text_alone_is_the_name():
    named = action(en="Call", zh={"name": "电话", "first_step": "问候"})
    assert (named.en.name, named.en.message) == ("Call", None)
    assert (named.zh.name, named.zh.first_step) == ("电话", "问候")


@pytest.mark.parametrize(
    ("more", "keys", "said"),
    [
        ({"owner": "salse"}, ("owner",), "no owner 'salse'; did you mean 'sales'?"),
        ({"reason": "days_overdu"}, ("reason",), "no column 'days_overdu'; did you mean"),
        (
            {"when": {"all": [{"column": "days_overdu", "above": 0}]}},
            ("when", "all", "0", "column"),
            "no column 'days_overdu'; did you mean 'days_overdue'?",
        ),
        (
            {"when": {"all": [{"column": "grade", "is": "A"}, {"column": "grade", "is": "B"}]}},
            ("when",),
            "nobody can ever trigger this action",
        ),
        (
            {"when": {"column": "days_overdue", "at_least": 30, "below": 10}},
            ("when",),
            "nobody can ever trigger this action",
        ),
        (
            {"when": {"any": [{"column": "risk", "at_least": 80}]}},
            ("when", "any", "0", "at_least"),
            "'risk' is from 0 to 1, not 80",
        ),
        ({"kind": "recovery", "control_share": 0.1}, ("control_share",), "recovery is owed"),
        ({"kind": "service", "control_share": 0.1}, ("control_share",), "service is owed"),
        (
            {"effect": CALL["effect"] | {"low": 0.1}},
            ("effect",),
            "low, likely and high must rise, not [0.1, 0.08, 0.15]",
        ),
        (
            {"effect": CALL["effect"] | {"evidence": "elsewhere"}},
            ("effect", "evidence"),
            "set source: where the effect comes from",
        ),
    ],
)
def test_what_cannot_be_meant_is_found_with_its_place(more, keys, said):
    ((at, text),) = problems(**more)
    assert at == keys and text.startswith(said)


def test_a_source_makes_an_effect_from_elsewhere_usable():
    assert not problems(effect=CALL["effect"] | {"evidence": "elsewhere", "source": "a paper"})


@pytest.mark.parametrize(
    "more",
    [
        *(
            {"kind": "gift"},
            {"cost": -1},
            {"control_share": 1.2},
            {"channel": []},
            {"colour": "red"},
        ),
        *({"effect": CALL["effect"] | {"on": "sales"}}, {"success": {"measure": "clicks"}}),
    ],
    ids=str,
)
def test_other_values_are_refused(more):
    with pytest.raises(ValidationError):
        action(**more)


def test_an_owner_has_a_capacity():
    with pytest.raises(ValidationError):
        Owner()
    assert Owner(capacity=20).capacity == {"default": 20}


def test_a_limit_is_that_of_the_region_or_the_default():
    limit = {"east": 40.0, "default": 10.0}
    assert [catalogue.limit_in(limit, region) for region in ("east", "south")] == [40, 10]
    assert catalogue.limit_in({"east": 40.0}, "south") is None


def test_regions_of_a_limit_must_exist_and_all_must_have_one():
    regions = ["east", "south"]
    find = catalogue.find_unnamed_regions
    assert not list(find({"default": 1.0, "east": 2.0}, regions))
    assert not list(find({"anything": 1.0}, []))  # regions come with the data
    assert list(find({"est": 1.0, "default": 1.0}, regions)) == [
        (("est",), "no region 'est'; did you mean 'east'?")
    ]
    assert list(find({"east": 1.0}, regions)) == [
        ((), "no value for south; add them, or `default`")
    ]


def test_an_action_rests_if_it_cannot_do_without_a_column_that_is_not_there():
    points = {"column": "points_expiring", "above": 0}
    either = {"any": [points, {"column": "days_overdue", "above": 0}]}
    both = {"all": [points, {"column": "days_overdue", "above": 0}]}
    actions = [action(), action(code="a", when=points), action(code="b", when=either),
               action(code="c", when=both)]  # fmt: skip
    found = catalogue.find_resting(
        actions, lambda column: column in KINDS and "points" not in column
    )
    assert found == {"a": ["points_expiring"], "c": ["points_expiring"]}
    assert not catalogue.find_resting([action(when=points, scope="segment")], lambda column: False)


def test_nobody_is_left_without_what_is_owed_in_the_shipped_catalogue():
    """No control group of recovery and service, and none where only projects or dealers can be."""
    actions = load(CONFIG / "sample.yaml").strategies.actions
    business = conditions.read({"column": "customer_type", "is": ["project", "dealer"]})
    for each in actions:
        alone = not conditions.can_hold(conditions.AllOf((each.when, conditions.Not(business))))
        if each.kind != "marketing" or alone:
            assert each.control_share == 0, each.code
    assert {each.kind for each in actions} == set(catalogue.KINDS)
    assert any(each.control_share for each in actions)


def test_the_playbook_names_every_shipped_action_and_nothing_unknown():
    """Names are those of actions, tables, facts and settings; `follow_up_*` stands for several."""
    text = (CONFIG.parent / "docs" / "playbook.md").read_text("utf-8")
    rows = [line for line in text.splitlines() if line.startswith("|")]
    named = set(re.findall(r"`([a-z_]+)`", "\n".join(rows)))
    settings = load(CONFIG / "sample.yaml")
    actions = {each.code for each in settings.strategies.actions}
    assert actions <= named
    known = {*TABLES, *facts.kinds(()), *settings.scorecards.scorecards}
    known |= {*Business.model_fields, *Strategies.model_fields}
    known |= {*Action.__dataclass_fields__, *Owner.__dataclass_fields__}
    assert not named - actions - known
