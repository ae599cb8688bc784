"""Campaigns from their members to table campaign_results: what is read, and what is not shown."""

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.errors import InputError
from cvm_analysis.strategy import arm_difference, campaigns, effects
from cvm_analysis.strategy.outcomes import Criterion
from cvm_analysis.tables import check

LETTER = Criterion("margin", 90, "expected_margin")
CALL = Criterion("purchase", 30, "purchase")
CRITERIA = {"letter": LETTER, "call": CALL}
AS_OF = "2025-12-31"


def members(n=600, campaign="spring", action="letter", effect=20.0, control_share=0.3, seed=1):
    """Three segments of different size; the effect doubles from one to the next."""
    rng = np.random.default_rng(seed)
    segment = rng.choice(["big", "mid", "top"], n, p=[0.6, 0.3, 0.1])
    treated = rng.random(n) >= control_share
    size = pd.Series({"big": 1.0, "mid": 2.0, "top": 4.0})[segment].to_numpy()
    if action == "call":
        outcome = (rng.random(n) < 0.2 + 0.1 * treated).astype(float)
    else:
        outcome = size * (rng.gamma(4, 25, n) + effect * treated)
    return pd.DataFrame(
        {
            "customer_id": [f"C{i}" for i in range(n)],
            "campaign_id": campaign,
            "action": action,
            "arm": np.where(treated, "treated", "control"),
            "at": pd.Timestamp("2025-06-01"),
            "cost": 2.0,
            "segment": segment,
            "base": 400 * size,
            "before": size * rng.gamma(4, 25, n),
            "outcome": outcome,
        }
    )


def measure(table, as_of=AS_OF, **given):
    return campaigns.measure(table, CRITERIA, as_of, 360, n_resamples=199, **given)


def test_the_table_is_the_one_described():
    both = pd.concat([members(), members(campaign="autumn", action="call")])
    found = measure(both)
    check("campaign_results", found.reset_index())
    assert found.index.tolist() == [
        (campaign, segment)
        for campaign in ("autumn", "spring")
        for segment in ("all", "big", "mid", "top")
    ]
    assert set(found["status"]) == {"measured"}


def test_the_whole_and_each_segment_are_differences_of_their_arms():
    table = members()
    found = measure(table).loc["spring"]
    rows = table.assign(treated=table["arm"] == "treated", cluster=table["customer_id"])
    for segment, part in [("all", rows), *rows.groupby("segment")]:
        expected = arm_difference.estimate(part, "margin", 199, 1)
        assert found.loc[segment, "effect"] == pytest.approx(expected.effect)
        assert found.loc[segment, "se"] == pytest.approx(expected.se)
        assert found.loc[segment, "n_treated"] == part["treated"].sum()
        assert found.loc[segment, "n_control"] == (~part["treated"]).sum()


def test_money_and_share_of_the_base_are_one_effect():
    """A window of 90 of 360 days holds a quarter of the base: 400 a year are 100."""
    row = measure(members()).loc[("spring", "all")]
    assert row["mean_base"] == pytest.approx(members()["base"].mean())
    assert row["effect_of_base"] == pytest.approx(row["effect"] / (row["mean_base"] / 4))
    assert row["effect_of_base_sd"] == pytest.approx(
        (row["high"] - row["low"]) / (2 * 1.959964) / (row["mean_base"] / 4)
    )
    assert row["cost"] == 2 * row["n_treated"]
    for gain, effect in (
        ("net_gain", "effect"),
        ("net_gain_low", "low"),
        ("net_gain_high", "high"),
    ):
        assert row[gain] == pytest.approx(row[effect] * row["n_treated"] - row["cost"])


@pytest.mark.parametrize(
    ("criterion", "unit"),
    [
        (LETTER, 100.0),
        (LETTER._replace(multiplies="margin_at_stake"), 100.0),
        (LETTER._replace(multiplies="renewal_value"), 400.0),  # of a term, not of the horizon
        (LETTER._replace(multiplies="purchase"), 400.0),  # the margin of an order
        (CALL, 1.0),
        (CALL._replace(multiplies="expected_margin"), np.nan),
    ],
)
def test_an_effect_is_in_the_unit_of_the_catalogue(criterion, unit):
    table = members(action="call" if criterion.measure == "purchase" else "letter")
    table = table.assign(action="letter", base=400.0)
    found = campaigns.measure(table, {"letter": criterion}, AS_OF, 360, n_resamples=99)
    row = found.loc[("spring", "all")]
    assert row["effect_of_base"] == pytest.approx(row["effect"] / unit, nan_ok=True)


@pytest.mark.parametrize(("as_of", "status"), [("2025-08-28", "open"), ("2025-08-29", "measured")])
def test_nothing_is_shown_before_the_window_has_passed(as_of, status):
    """The last of 90 days that begin on 1 June is 29 August."""
    found = measure(members(), as_of)
    row = found.loc[("spring", "all")]
    assert row["status"] == status and row["read_on"] == pd.Timestamp("2025-08-30")
    assert (len(found) == 1) == (status == "open")
    assert row[["effect", "mean_treated", "net_gain"]].isna().all() == (status == "open")


def test_the_last_member_opens_the_window_of_all():
    late = members()
    late.loc[5, "at"] = pd.Timestamp("2025-11-01")
    assert measure(late)["status"].tolist() == ["open"]


def test_one_arm_alone_is_not_measured():
    found = measure(members(control_share=0.0))
    assert found["status"].tolist() == ["not_measured"]
    assert found[["effect", "p_value", "mean_treated"]].isna().all(axis=None)
    assert found["n_control"].tolist() == [0]


def test_an_action_without_a_criterion_is_not_read():
    found = measure(members(action="gift"))
    assert found["status"].tolist() == ["unknown_action"]
    assert found["effect"].isna().all()


def test_without_a_known_margin_there_is_no_outcome():
    found = measure(members().assign(outcome=np.nan))
    assert found["status"].tolist() == ["no_outcome"]
    assert found["effect"].isna().all() and found["effect"].dtype == float


def test_few_customers_have_no_effect():
    table = members(60)
    found = measure(table).loc["spring"]
    assert found.loc["all", "status"] == "measured"
    assert found.loc["top", "status"] == "few_customers"
    assert found.loc["top", ["effect", "q_value", "shrunken"]].isna().all()
    assert measure(table.head(12))["status"].tolist() == ["few_customers"]


def arms_of(n_treated, n_control, segment="big"):
    return pd.DataFrame(
        {
            "treated": [True] * n_treated + [False] * n_control,
            "cluster": [f"{segment}{i}" for i in range(n_treated + n_control)],
            "segment": segment,
        }
    )


def test_the_sizes_of_the_arms_are_compared_with_the_plan():
    """Of 1,000, 250 controls instead of 200: chi-square 50^2 / 200 + 50^2 / 800 = 15.625."""
    found = campaigns.compare_arm_sizes(arms_of(750, 250), 0.2)
    assert found == pytest.approx(7.7e-5, rel=0.01)
    assert campaigns.compare_arm_sizes(arms_of(800, 200), 0.2) == pytest.approx(1)


def test_without_a_plan_the_segments_are_compared_with_each_other():
    """100 of 500 and 150 of 500 controls, 125 expected: chi-square 2 (25^2 / 125 + 25^2 / 375)."""
    rows = pd.concat([arms_of(400, 100), arms_of(350, 150, "top")])
    assert campaigns.compare_arm_sizes(rows, None) == pytest.approx(0.000262, rel=0.01)
    assert np.isnan(campaigns.compare_arm_sizes(arms_of(400, 100), None))


def test_accounts_count_once_in_the_sizes_of_the_arms():
    rows = arms_of(75, 25)
    many = pd.concat([rows] * 10)
    assert campaigns.compare_arm_sizes(many, 0.2) == campaigns.compare_arm_sizes(rows, 0.2) > 0.1


def test_arms_that_are_not_the_planned_ones_are_flagged_and_not_used():
    found = measure(members(control_share=0.3), planned_shares={"spring": 0.2})
    assert found["status"].tolist() == ["sample_ratio"]
    assert found["sample_ratio_p"].iloc[0] < 0.001 and found["effect"].isna().all()
    assert campaigns.to_effects(found) == {}
    right = measure(members(control_share=0.3), planned_shares={"spring": 0.3})
    assert right.loc[("spring", "all"), "status"] == "measured"


def test_accounts_are_clusters_and_an_empty_account_is_nobody_elses():
    table = members()
    twins = pd.concat([table, table.assign(customer_id=table["customer_id"] + "x")])
    shared = measure(twins.assign(account_id=[f"A{i}" for i in range(600)] * 2))
    assert shared.loc[("spring", "all"), "se"] == pytest.approx(
        measure(table).loc[("spring", "all"), "se"]
    )
    apart = measure(twins.assign(account_id=""))
    assert apart["se"].tolist() == pytest.approx(measure(twins)["se"].tolist())


def test_q_values_are_those_of_benjamini_and_hochberg():
    """Their example (1995): of 15 p values the first four are significant at 5 %."""
    printed = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240,
               0.4262, 0.5719, 0.6528, 0.7590, 1.0]  # fmt: skip
    rows = [
        {"status": "measured", "p_value": p, "effect": 1.0, "spread": 1.0, "unit": 1.0}
        for p in printed
    ]
    campaigns._compare_segments(rows)
    q = [row["q_value"] for row in rows]
    assert [each < 0.05 for each in q] == [True] * 4 + [False] * 11
    assert q[3] == pytest.approx(0.0095 * 15 / 4)


def test_segments_are_shrunk_as_shares_of_their_base():
    """One effect in shares: a segment of four times the margin keeps four times the effect."""
    found = measure(members(4000)).loc["spring"]
    shrunken = found["shrunken"] / found["mean_base"]
    own = found["effect"] / found["mean_base"]
    parts = ["big", "mid", "top"]
    assert shrunken[parts].std() < own[parts].std()
    assert found.loc["top", "shrunken"] > 2 * found.loc["big", "shrunken"]
    for segment in parts:
        assert found.loc[segment, "shrunken_low"] < found.loc[segment, "shrunken"]
        assert found.loc[segment, "shrunken_high"] > found.loc[segment, "shrunken"]
    assert np.isnan(found.loc["all", "shrunken"]) and np.isnan(found.loc["all", "q_value"])


def test_without_a_base_money_is_shrunk():
    found = measure(members().drop(columns="base")).loc["spring"]
    assert found["shrunken"].notna().sum() == 3
    assert found["effect_of_base"].isna().all()


def test_effects_of_measured_campaigns_update_an_assumption():
    both = pd.concat([members(), members(campaign="summer", seed=2),
                      members(campaign="late").assign(at=pd.Timestamp("2025-12-01"))])  # fmt: skip
    found = campaigns.to_effects(measure(both))
    assert list(found) == ["letter"] and len(found["letter"]) == 2
    assert found["letter"][0].n_treated == measure(both).loc[("spring", "all"), "n_treated"]
    prior = effects.from_assumption(-0.5, 0.0, 0.5, "assumed")
    posterior = effects.combine(prior, found["letter"])
    assert posterior.mean == pytest.approx(0.2, abs=0.06)  # the planted 20 of 100
    assert posterior.evidence == "measured_with_control"
    assert posterior.n_treated == sum(each.n_treated for each in found["letter"])


def test_overlapping_campaigns_are_reported():
    other = members(300, campaign="gift", action="letter", control_share=0.0)
    found = measure(pd.concat([members(), other]))
    assert found.loc[("spring", "all"), "overlap_share"] == 0.5
    treated = (members()["arm"].head(300) == "treated").mean()
    assert found.loc[("gift", "all"), "overlap_share"] == pytest.approx(treated)


def test_all_that_is_wrong_is_said_at_once():
    table = pd.concat([members(), members().head(3)])
    table.iloc[0, table.columns.get_loc("arm")] = "test"
    table.iloc[1, table.columns.get_loc("action")] = "call"
    with pytest.raises(InputError) as error:
        measure(table)
    assert str(error.value).splitlines() == [
        "table campaign_members: 3 rows name a customer again in the same campaign",
        "  1 rows have an arm other than treated or control",
        "  campaign spring has several actions; give each its own campaign",
    ]


def test_results_are_seeded_and_do_not_depend_on_the_order_of_rows():
    table = members()
    again = measure(table.sample(frac=1, random_state=1))
    pd.testing.assert_frame_equal(measure(table), again)


def test_no_campaigns_are_an_empty_table():
    found = measure(members().head(0))
    assert found.empty and found.index.names == ["campaign_id", "segment"]
