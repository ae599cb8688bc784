"""Key figures of segments by hand, and the actions of a catalogue that pay for them."""

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.errors import ConfigError
from cvm_analysis.strategy import recommend
from cvm_analysis.strategy.recommend import FIGURES, Action, Trigger
from cvm_analysis.tables import check

PEOPLE = pd.DataFrame(
    {
        "net_sales": [100.0, 300.0, 50.0, -10.0, 0.0],
        "days_since_last": [10.0, 30.0, 100.0, 200.0, float("nan")],
        "x": [3.0, 0.0, 0.0, 0.0, float("nan")],
    },
    index=pd.Index(list("abcde"), name="customer_id"),
)
SEGMENT = pd.Series(["loyal", "loyal", "lost", "lost", "prospect"], index=PEOPLE.index)
VALUE = pd.DataFrame(
    {"expected_orders": [4.0, 2.0, 0.5, 0.0], "expected_margin": [200.0, 100.0, 20.0, 0.0]},
    index=pd.Index(list("abcd"), name="customer_id"),
)


def action(code="letter", segments=("loyal",), column="mean_expected_margin", **more):
    limits = {name: more.pop(name) for name in ("at_least", "at_most") if name in more}
    chosen = {"cost_per_customer": 1.0, "effect": (0.1, 0.2, 0.3)} | more
    return Action(code, segments, Trigger(column, **(limits or {"at_least": 0})), **chosen)


def figures():
    return recommend.summary(PEOPLE, SEGMENT, VALUE)


def test_a_segment_in_figures():
    found = figures()
    assert list(found.columns) == list(FIGURES)
    assert list(found.index) == ["loyal", "lost", "prospect"]  # the largest value first
    loyal = found.loc["loyal"]
    assert loyal[["n_customers", "net_sales", "expected_margin"]].tolist() == [2, 400, 300]
    assert loyal["mean_net_sales"] == 200 and loyal["mean_expected_margin"] == 150
    assert loyal["mean_expected_orders"] == 3 and loyal["mean_days_since_last"] == 20
    assert loyal["repeat_share"] == 0.5
    assert found.loc["lost", "mean_net_sales"] == 20


def test_shares_are_of_all_customers_and_add_up():
    found = figures()
    assert found["share_customers"].tolist() == pytest.approx([0.4, 0.4, 0.2])
    assert found["share_net_sales"].tolist() == pytest.approx([400 / 440, 40 / 440, 0])
    assert found["share_expected_margin"].tolist() == pytest.approx(
        [300 / 320, 20 / 320, np.nan], nan_ok=True
    )
    assert found.filter(like="share_").sum().tolist() == pytest.approx([1, 1, 1])


def test_customers_without_a_value_count_as_customers_only():
    prospect = figures().loc["prospect"]
    assert prospect["n_customers"] == 1
    assert (
        prospect[
            [
                "expected_margin",
                "mean_expected_margin",
                "mean_expected_orders",
                "mean_days_since_last",
            ]
        ]
        .isna()
        .all()
    )
    assert len(recommend.summary(PEOPLE, SEGMENT, VALUE.head(0))) == 3


def test_gain_is_the_share_of_the_value_and_cost_is_per_customer():
    row = recommend.recommend(figures(), [action(cost_per_customer=5)], 1).loc[("loyal", 1)]
    assert row["action"] == "letter" and row["n_customers"] == 2 and row["cost"] == 10
    assert row[["gain_low", "gain", "gain_high"]].tolist() == pytest.approx([30, 60, 90])
    assert row["evidence"] == "assumed"
    assert recommend.read_reason(row["trigger"]) == ("mean_expected_margin", 150, "at_least", 0)


def test_the_table_is_the_one_described():
    table = recommend.recommend(figures(), [action(), action("call", cost_per_customer=3)], 1)
    check("strategy", table.reset_index())


def test_actions_are_ranked_by_what_is_left_after_their_cost():
    catalogue = [
        action("dear", cost_per_customer=25),  # 60 - 50
        action("cheap", cost_per_customer=1),  # 60 - 2
        action("strong", cost_per_customer=10, effect=(0.1, 0.5, 0.6)),  # 150 - 20
    ]
    found = recommend.recommend(figures(), catalogue, 1).loc["loyal"]
    assert found["action"].to_dict() == {1: "strong", 2: "cheap", 3: "dear"}


def test_what_gains_no_more_than_it_costs_is_left_out():
    catalogue = [action(cost_per_customer=30), action("dearer", cost_per_customer=31)]
    found = recommend.recommend(figures(), catalogue, 1)
    assert found["action"].to_dict()[("loyal", 1)] == "no_action"
    found = recommend.recommend(figures(), [action(cost_per_customer=29.99)], 1)
    assert found.loc[("loyal", 1), "action"] == "letter"


def test_every_segment_has_a_first_row():
    found = recommend.recommend(figures(), [action()], 1)
    assert set(found.xs(1, level="rank").index) == {"loyal", "lost", "prospect"}
    idle = found.loc[("lost", 1)]
    assert idle["action"] == "no_action" and idle["trigger"] == idle["evidence"] == ""
    assert idle[["cost", "gain", "gain_low", "gain_high"]].tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("more", "called"),
    [
        ({"at_least": 150}, True),
        ({"at_least": 150.01}, False),
        ({"at_most": 150}, True),
        ({"at_most": 149.99}, False),
        ({"at_least": 0, "segments": ("lost",)}, False),
        ({"at_least": 0, "column": "mean_days_since_last"}, True),
    ],
)
def test_an_action_is_called_for_by_its_figure_and_only_where_it_is_listed(more, called):
    found = recommend.recommend(figures(), [action(**more)], 1).loc[("loyal", 1), "action"]
    assert found == ("letter" if called else "no_action")


def test_an_unknown_figure_triggers_nothing():
    everywhere = action(segments=("prospect",), column="mean_days_since_last", at_least=0)
    found = recommend.recommend(figures(), [everywhere], 1)
    assert found.loc["prospect", "action"].iloc[0] != "letter"


def test_small_segments_get_no_action_of_their_own():
    catalogue = [action(segments=("loyal", "lost"))]
    assert recommend.recommend(figures(), catalogue, 2).loc[("loyal", 1), "action"] == "letter"
    found = recommend.recommend(figures(), catalogue, 3)
    assert "letter" not in set(found["action"])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"column": "colour"}, "actions.letter: when.column 'colour' is no figure of a segment"),
        ({"effect": (0.3, 0.2, 0.4)}, "effect must rise from low to high, not [0.3, 0.2, 0.4]"),
        ({"at_least": None}, "when needs at_least or at_most, one of the two"),
        ({"at_least": 1, "at_most": 2}, "when needs at_least or at_most, one of the two"),
    ],
)
def test_an_action_that_cannot_be_meant_is_refused(wrong, said):
    with pytest.raises(ConfigError) as error:
        recommend.check([action(**wrong)])
    assert said in str(error.value)
    with pytest.raises(ConfigError):
        recommend.recommend(figures(), [action(**wrong)], 1)


def test_all_wrong_actions_are_named_at_once():
    with pytest.raises(ConfigError) as error:
        recommend.check([action("one", column="colour"), action("two", effect=(2, 1, 3)), action()])
    assert [line.split(":")[0] for line in str(error.value).splitlines()] == [
        "actions.one",
        "actions.two",
    ]
    recommend.check([action(effect=(0.1, 0.1, 0.1))])


def test_customers_get_the_action_their_segment_takes_first():
    who = pd.Index(list("abc"), name="customer_id")
    risk = pd.DataFrame({"churn_risk": [0.1, 0.2, 0.3]}, who)
    segments = pd.DataFrame(
        {"segment": ["loyal", "lost", "new"], "grade": list("ABC"), "r": 1}, who
    )
    index = pd.MultiIndex.from_tuples(
        [("loyal", 1), ("loyal", 2), ("lost", 1)], names=["segment", "rank"]
    )
    strategy = pd.DataFrame({"action": ["call", "letter", "visit"]}, index)
    found = recommend.add_actions(risk, segments, strategy)
    assert list(found) == ["churn_risk", "segment", "grade", "action"]
    assert found["action"].tolist()[:2] == ["call", "visit"] and pd.isna(found["action"].iloc[2])
