"""What is owed after a sale, as a business writes it."""

import pytest
from pydantic import TypeAdapter, ValidationError

from cvm_analysis.strategy import service
from cvm_analysis.strategy.catalogue import Action

WRITTEN = {
    "category": {"floor": {"warranty_days": 730, "maintenance_every_days": 365}},
    "product_id": {1001: {"warranty_days": 365}},
}


def read(given):
    return TypeAdapter(service.Service).validate_python(given)


def action(code, column):
    effect = {"on": "expected_margin", "low": 0, "likely": 0.1, "high": 0.2}
    given = {"code": code, "owner": "x", "channel": ["phone"], "cost": 1, "effect": effect}
    return TypeAdapter(Action).validate_python(
        {
            **given,
            "when": {"all": [{"column": column, "at_most": 1}, {"column": "nps", "above": 0}]},
        }
    )


def test_days_are_sorted_by_what_they_say_and_an_action_that_asks_for_them_restarts():
    actions = [action("visit", "days_to_service"), action("longer", "days_to_warranty_end")]
    found = service.terms(read(WRITTEN), actions, [" Reached "])
    assert found.warranty == {"category": {"floor": 730}, "product_id": {"1001": 365}}
    assert found.maintenance == {"category": {"floor": 365}}
    assert found.done_by == ["visit"] and found.answered == ["reached"]


def test_without_the_setting_there_is_nothing():
    assert service.terms({}, [], ()) == ({}, {}, [], [])
    assert [*service.written({})] == []
    assert [*service.written(read({"product": {"oak": {"warranty_days": 1}}}))] == ["warranty_days"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"category": {"floor": {}}},
        {"category": {"floor": {"warranty_days": 0}}},
        {"category": {"floor": {"warranty": 1}}},
        {"colour": {"red": {"warranty_days": 1}}},
    ],
)
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValidationError):
        read(wrong)
