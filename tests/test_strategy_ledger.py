"""What came of earlier lists: by hand on a few customers, and a planted effect over three dates."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.strategy import effects, ledger
from cvm_analysis.strategy.effects import Effect
from cvm_analysis.tables import TABLES, check, empty

LISTED = dt.date(2026, 1, 1)
CLOSED = dt.date(2026, 4, 1)  # exactly 90 days later
NOBODY = pd.DataFrame({"customer_id": [], "at": [], "action": []})
ROW = {
    "region": "east",
    "as_of": pd.Timestamp(LISTED),
    "action": "call",
    "rank": 1,
    "arm": "",
    "owner": "sales",
    "channel": "phone",
    "due_on": pd.Timestamp("2026-01-08"),
    "cost": 25.0,
    "base": 100.0,
    "expected_gain": 8.0,
    "forecast": 10.0,
    "measure": "margin",
    "window_days": 90.0,
    "evidence": "assumed",
    "forecast_error": 0.0,
}


def listed(customers, **same):
    """Rows of the ledger: customer -> what differs from ROW."""
    rows = [{**ROW, **same, "customer_id": each, **own} for each, own in customers.items()]
    return pd.DataFrame(rows)[list(TABLES["ledger"].columns)].set_index(ledger.KEY)


def contacts(*customers, at="2026-01-05", action="call"):
    return pd.DataFrame({"customer_id": customers, "at": at, "action": action})


def margins(**amounts):
    """One row per customer and amount; an amount alone comes on 1 February."""
    given = {c: a if isinstance(a, dict) else {"2026-02-01": a} for c, a in amounts.items()}
    rows = [(c, day, amount) for c, days in given.items() for day, amount in days.items()]
    table = pd.DataFrame(rows, columns=["customer_id", "day", "amount"])
    return table.assign(purchases=(table["amount"] > -5).astype(int))


def one(*arguments, as_of=CLOSED):
    found = ledger.evaluate(*arguments, as_of)
    check("ledger_results", found.reset_index())
    assert len(found) == 1
    return found.iloc[0]


ARMS = {f"t{i}": {"arm": "treated", "base": 120.0 if i % 2 else 80.0} for i in range(12)}
ARMS |= {f"c{i}": {"arm": "control", "base": 999.0} for i in range(10)}
PAID = margins(
    **{f"t{i}": (30.0, 60.0, 0.0)[i % 3] for i in range(12)},
    **{f"c{i}": (10.0, 20.0)[i % 2] for i in range(10)},
)


def test_a_list_with_a_control_group_is_compared_with_it_by_assignment():
    """Means 30 and 15; sums of squares 12 x 600 and 10 x 25; mean base of the treated 100."""
    row = one(listed(ARMS), contacts("t1", "c2", "else"), PAID)
    assert (row["comparison"], row["status"], row["reason"]) == ("control", "measured", "")
    sizes = ["n_recommended", "n_done", "n_treated", "n_control", "n_control_done"]
    assert row[sizes].tolist() == [12, 1, 12, 10, 1]
    assert row[["outcome", "outcome_without", "effect"]].tolist() == pytest.approx([30, 15, 15])
    variance = 7200 / 11 / 12 + 250 / 9 / 10
    assert row["high"] - row["effect"] == pytest.approx(1.959964 * variance**0.5)
    assert row["effect_of_base"] == pytest.approx(15 / 100)
    assert row["effect_of_base_sd"] == pytest.approx(variance**0.5 / 100)
    assert row["effect_of_base_common_sd"] == 0


def test_forecasts_take_out_how_the_groups_differed_before():
    """Outcomes are the forecasts and 7 for the treated, whose forecasts happen to be higher."""
    forecasts = {name: 10.0 * i for i, name in enumerate(reversed(ARMS))}
    rows = listed({name: own | {"forecast": forecasts[name]} for name, own in ARMS.items()})
    paid = {
        name: each + 7 * (name[0] == "t") + 0.01 * (name == "t3")
        for name, each in forecasts.items()
    }
    row = one(rows, contacts("t1"), margins(**paid))
    assert row["effect"] == pytest.approx(7, abs=0.01)
    assert row["high"] - row["low"] < 0.1
    lost = rows.assign(forecast=np.nan)
    assert one(lost, contacts("t1"), margins(**paid))["effect"] == pytest.approx(7 + 110, abs=0.01)


def test_a_list_without_control_group_is_compared_with_the_forecast_made_before():
    """Outcomes 30, 50 against 10, 30; the common error of 20 % does not shrink with customers."""
    error = np.sqrt(np.log1p(0.2**2))  # of the log, of a factor with a coefficient of variation .2
    rows = listed({"a": {}, "b": {"forecast": 30.0}, "c": {"forecast": None}}, forecast_error=error)
    row = one(rows, contacts("a", "b"), margins(a=30.0, b=52.0, c=900.0))
    assert (row["comparison"], row["n_treated"], row["n_control"]) == ("forecast", 2, 0)
    assert row[["outcome", "outcome_without", "effect"]].tolist() == [41, 20, 21]
    own, common = 2 / 2, 0.2 * 20  # variance of 20 and 22 over two customers
    assert row["effect_of_base_common_sd"] == pytest.approx(common / 100)
    assert row["effect_of_base_sd"] == pytest.approx(np.sqrt(own + common**2) / 100)


def test_a_purchase_is_counted_in_shares_and_its_effect_in_points():
    """Nine in ten of a hundred treated and half of fifty controls bought, some at a loss."""
    arms = {f"t{i}": {"arm": "treated"} for i in range(100)}
    arms |= {f"c{i}": {"arm": "control"} for i in range(50)}
    paid = {f"t{i}": 5.0 if i >= 10 else -5.0 for i in range(100)}
    paid |= {f"c{i}": -1.0 for i in range(25)}
    row = one(listed(arms, measure="purchase"), contacts("t1"), margins(**paid))
    assert row["outcome"] == pytest.approx(0.9) and row["outcome_without"] == pytest.approx(0.5)
    assert row["effect_of_base"] == row["effect"] == pytest.approx(0.4)
    variance = 0.9 * 0.1 / 99 + 0.5 * 0.5 / 49
    assert row["effect_of_base_sd"] == pytest.approx(variance**0.5)


def test_a_list_in_which_nobody_buys_is_not_certain():
    """Two of ten against a forecast of 0.1 each: the variance is that of 3 of 12."""
    rows = listed({f"a{i}": {"forecast": 0.1} for i in range(10)}, measure="purchase")
    row = one(rows, contacts("a1"), margins(a1=30.0, a2=1.0, a3=-5.0))
    assert row["effect"] == pytest.approx(0.1)
    assert row["effect_of_base_sd"] == pytest.approx((0.25 * 0.75 / 12) ** 0.5)
    assert one(rows, contacts("a1"), margins(b=1.0))["effect_of_base_sd"] > 0.05


def test_a_control_group_of_fewer_than_ten_is_no_comparison():
    few = {name: own for name, own in ARMS.items() if name != "c9"}
    row = one(listed(few), contacts("t1"), PAID)
    assert (row["comparison"], row["n_treated"], row["outcome_without"]) == ("forecast", 12, 10)


def test_only_what_came_after_the_list_within_the_window_counts():
    days = {"2026-01-01": 1e6, "2026-01-02": 3.0, "2026-04-01": 4.0, "2026-04-02": 1e6}
    rows, paid = listed({"a": {}, "b": {}}), margins(a=days)
    log = pd.concat([contacts("a", at="2025-12-31"), contacts("b", at="2026-04-02")])
    row = one(rows, log, paid, as_of=dt.date(2026, 5, 1))
    assert (row["n_done"], row["reason"]) == (0, "nothing_done")
    log = pd.concat([log, contacts("a", at="2026-01-01"), contacts("b", at="2026-04-01")])
    row = one(rows, log, paid, as_of=dt.date(2026, 5, 1))
    assert (row["n_done"], row["outcome"]) == (2, 3.5)


def test_a_window_that_has_not_closed_is_open_whatever_was_done():
    found = ledger.evaluate(listed(ARMS), contacts("t1"), PAID, dt.date(2026, 3, 31))
    row = found.iloc[0]
    assert (row["status"], row["n_done"], row["n_treated"], row["n_control"]) == ("open", 1, 0, 10)
    assert row[["outcome", "effect", "effect_of_base"]].isna().all() and row["reason"] == ""
    assert ledger.measured_effects(found) == {}


def test_lists_of_today_and_later_are_left_out():
    assert ledger.evaluate(listed(ARMS), NOBODY, PAID, LISTED).empty
    nothing = ledger.evaluate(empty("ledger").set_index(ledger.KEY), NOBODY, PAID, CLOSED)
    check("ledger_results", nothing.reset_index())
    assert nothing.empty and ledger.measured_effects(nothing) == {}


@pytest.mark.parametrize(
    ("rows", "log", "reason"),
    [
        (ARMS, NOBODY, "nothing_done"),
        (ARMS, contacts("c1"), "nothing_done"),
        ({"a": {}}, contacts("a"), "too_few"),
        ({"a": {"forecast": None}, "b": {"forecast": None}}, contacts("a"), "too_few"),
    ],
)
def test_what_cannot_be_measured_says_why(rows, log, reason):
    row = one(listed(rows), log, PAID)
    assert (row["status"], row["reason"], row["comparison"]) == ("not_measured", reason, "")
    assert row[["effect", "low", "effect_of_base"]].isna().all()


def test_a_customer_listed_again_within_the_window_counts_for_the_first_list():
    """Of the second list only t9 is new; the third begins when the first window has closed."""
    second = listed({"t1": {}, "t9": {}, "t8": {}}, as_of=pd.Timestamp("2026-02-01"))
    third = listed({"t1": {}, "t2": {}}, as_of=pd.Timestamp(CLOSED))
    rows = pd.concat([listed({"t1": {}, "t2": {}}), second, third])
    log = pd.concat([contacts("t1", "t9"), contacts("t1", "t9", at="2026-04-20")])
    found = ledger.evaluate(rows, log, PAID, dt.date(2026, 8, 1))
    assert found["n_recommended"].tolist() == [2, 3, 2]
    assert found["n_treated"].tolist() == [2, 2, 2]
    only = found.loc[(pd.Timestamp("2026-02-01"), "call")]
    assert (only["n_done"], only["status"]) == (2, "measured")
    again = listed({"t1": {}, "t2": {}}, as_of=pd.Timestamp("2026-02-01"))
    found = ledger.evaluate(pd.concat([rows.iloc[:2], again]), log, PAID, dt.date(2026, 8, 1))
    assert found["reason"].tolist() == ["", "counted_before"]


def test_arms_are_kept_while_a_window_is_open():
    """On 1 March the window of 1 January is open; that of 1 November closed on 30 January."""
    old = listed(
        {"t1": {"arm": "control"}, "t7": {"arm": "control"}}, as_of=pd.Timestamp("2025-11-01")
    )
    again = listed({"t1": {"arm": "treated"}, "t9": {"arm": ""}}, as_of=pd.Timestamp("2026-02-01"))
    rows = pd.concat([old, again])
    assert ledger.open_arms(rows, dt.date(2026, 3, 1)).to_dict() == {
        ("t1", "call"): "treated",
        ("t9", "call"): "",
    }
    early = listed({"t1": {"arm": "treated"}}, as_of=pd.Timestamp("2026-01-15"))
    found = ledger.open_arms(pd.concat([old, early]), dt.date(2026, 1, 20))
    assert set(found) == {"control"} and len(found) == 2, "those of the first list"
    assert ledger.open_arms(rows.head(0), CLOSED).empty


def test_regions_are_compared_one_by_one_so_that_shares_of_controls_do_not_matter():
    """In each region the effect is 2; pooled, the richer region's many controls would hide it."""
    poor = {f"t{i}": {"arm": "treated"} for i in range(30)}
    poor |= {f"c{i}": {"arm": "control"} for i in range(10)}
    rich = {f"u{i}": {"arm": "control"} for i in range(30)}
    rich |= {f"v{i}": {"arm": "treated"} for i in range(10)}
    rows = pd.concat([listed(poor), listed(rich, region="west")])
    mean = {"t": 12.0, "c": 10.0, "v": 102.0, "u": 100.0}
    paid = margins(**{name: mean[name[0]] + int(name[1:]) % 2 for name in (*poor, *rich)})
    row = one(rows, contacts("t0", "v0"), paid)
    assert row["effect"] == pytest.approx(2)
    assert (row["n_treated"], row["n_control"]) == (40, 40)
    assert row["outcome"] == pytest.approx((30 * 12.5 + 10 * 102.5) / 40)
    row = one(rows, contacts("t0"), paid)
    assert (row["n_done"], row["n_treated"], row["outcome"]) == (1, 30, 12.5), "west did nothing"


def test_regions_with_a_control_group_come_before_those_without():
    rows = pd.concat([listed(ARMS), listed({"x": {}, "y": {}}, region="west")])
    row = one(rows, contacts("t1", "x"), PAID)
    assert (row["comparison"], row["n_recommended"], row["n_treated"]) == ("control", 14, 12)


def test_lists_of_an_action_are_pooled_by_size_and_the_common_error_stays():
    results = pd.DataFrame(
        {
            "measure": "margin",
            "comparison": "forecast",
            "n_treated": [100, 300],
            "n_control": 0,
            "base": [20.0, 20.0],
            "effect_of_base": [0.10, 0.02],
            "effect_of_base_sd": [0.05, 0.05],
            "effect_of_base_common_sd": [0.04, 0.04],
            "status": "measured",
        },
        index=pd.MultiIndex.from_product([[1, 2], ["call"]], names=["as_of", "action"]),
    )
    found = ledger.measured_effects(results)["call"]
    assert found.mean == pytest.approx(0.25 * 0.10 + 0.75 * 0.02)
    own = (0.25**2 + 0.75**2) * 0.03**2  # 3-4-5
    assert found.sd == pytest.approx((own + 0.04**2) ** 0.5)
    assert found[2:] == ("measured_without", 400, 0)
    results["comparison"], results["n_control"] = ["control", "forecast"], [25, 0]
    assert ledger.measured_effects(results)["call"][2:] == ("measured_with_control", 100, 25)


def test_lists_with_a_control_group_weigh_by_the_harmonic_size_and_the_base():
    """80 x 20 / 100 = 16 and 50 x 50 / 100 = 25, times the squares of 10 and 20."""
    results = pd.DataFrame(
        {
            "measure": "margin",
            "comparison": "control",
            "n_treated": [80, 50],
            "n_control": [20, 50],
            "base": [10.0, 20.0],
            "effect_of_base": [0.0, 1.0],
            "effect_of_base_sd": 0.1,
            "effect_of_base_common_sd": 0.0,
            "status": "measured",
        },
        index=pd.MultiIndex.from_product([[1, 2], ["call"]], names=["as_of", "action"]),
    )
    found = ledger.measured_effects(results)["call"]
    assert found.mean == pytest.approx(10_000 / 11_600)
    results["measure"] = "purchase"
    assert ledger.measured_effects(results)["call"].mean == pytest.approx(25 / 41)


def test_what_is_recommended_becomes_rows_and_what_is_not_in_the_plan_does_not():
    actions = listed({"a": {"arm": None}, "b": {"arm": "control"}, "c": {}}).reset_index()
    actions = actions.drop(columns=["as_of", "forecast_error"])
    actions = actions.assign(in_plan=[True, True, False], kind="marketing", region="old")
    actions = actions.assign(window_base=60.0)
    table = actions.set_index(["customer_id", "action"])
    rows = ledger.to_rows(table, "east", LISTED, 0.2)
    check("ledger", rows.reset_index())
    assert rows.index.tolist() == [
        ("east", pd.Timestamp(LISTED), "a", "call"),
        ("east", pd.Timestamp(LISTED), "b", "call"),
    ]
    assert rows["arm"].tolist() == ["", "control"] and set(rows["forecast_error"]) == {0.2}
    assert set(rows["base"]) == {60.0}, "of the window, as the outcomes are"
    assert ledger.to_rows(table.head(0), "east", LISTED, 0.2).empty


def test_the_forecast_error_is_that_of_both_errors_together():
    draws = pd.DataFrame(
        {"company_error": [0.1, -0.1] * 2, "region_error": [0.2, -0.2] * 2},
        index=pd.MultiIndex.from_product(
            [["e"], ["x", "y"], [0, 1]], names=TABLES["value_draws"].key
        ),
    )
    assert ledger.find_forecast_error(draws) == pytest.approx(0.3)
    assert np.isnan(ledger.find_forecast_error(draws.head(0)))


def planted(n, effect, dates, seed):
    """Lists of n customers each, a third as controls; the treated gain `effect` of their base."""
    rng = np.random.default_rng(seed)
    lists, paid = [], []
    for number, day in enumerate(dates):
        base, chance = rng.uniform(50, 150, n), rng.gamma(1, 40, n)
        treated = rng.random(n) < 2 / 3
        names = [f"k{number}-{i}" for i in range(n)]
        arms = np.where(treated, "treated", "control")
        own = {name: {"arm": a, "base": b} for name, a, b in zip(names, arms, base, strict=True)}
        lists.append(listed(own, as_of=pd.Timestamp(day)))
        amount = chance + treated * effect * base
        day = pd.Timestamp(day) + pd.Timedelta(30, "D")
        columns = {"customer_id": names, "day": day, "amount": amount, "purchases": 1}
        paid.append(pd.DataFrame(columns))
    rows, paid = pd.concat(lists), pd.concat(paid)
    people = rows.reset_index()[["customer_id", "action", "as_of"]]
    return rows, people.rename(columns={"as_of": "at"}), paid


def posterior(given, as_of, prior):
    measured = ledger.measured_effects(ledger.evaluate(*given, as_of))
    return effects.combine(prior, [measured["call"]] if measured else [])


DATES = [dt.date(2026, 1, 1), dt.date(2026, 4, 15), dt.date(2026, 8, 1)]
PRIOR = Effect(0.05, 0.04, "assumed")


def test_over_three_dates_the_assumption_moves_towards_the_planted_effect():
    given = planted(2000, 0.20, DATES, seed=3)
    steps = [posterior(given, day, PRIOR) for day in (*DATES, dt.date(2026, 12, 1))]
    assert steps[0] == PRIOR, "no window has closed"
    off = [abs(each.mean - 0.20) for each in steps]
    assert off[1] < off[0] and off[3] < 0.02 < off[0]
    sds = [each.sd for each in steps]
    assert sds == sorted(sds, reverse=True)
    assert steps[3].evidence == "measured_with_control" and steps[3].n_control > 1800
    assert posterior(given, dt.date(2026, 12, 1), PRIOR) == steps[3], "nothing is counted twice"


def test_the_spread_falls_with_the_square_root_of_the_customers():
    vague = Effect(0.05, 100.0, "assumed")
    sds = [posterior(planted(n, 0.1, DATES[:1], 5), DATES[2], vague).sd for n in (500, 2000, 8000)]
    assert sds[0] / sds[1] == pytest.approx(2, rel=0.15)
    assert sds[1] / sds[2] == pytest.approx(2, rel=0.15)


def test_intervals_of_lists_hold_the_planted_effect_in_nineteen_of_twenty():
    """Two hundred actions of 150 customers each, in one ledger."""
    given = [planted(150, 0.2, DATES[:1], seed) for seed in range(200)]
    rows, log, paid = (
        pd.concat(dict(enumerate(each)), names=["seed"]) for each in zip(*given, strict=True)
    )
    rows = rows.reset_index()
    log, paid = (each.reset_index("seed").reset_index(drop=True) for each in (log, paid))
    for table in (rows, log, paid):
        table["customer_id"] = table["seed"].astype(str) + table["customer_id"]
        table["action"] = "a" + table["seed"].astype(str)
    found = ledger.evaluate(rows.drop(columns="seed").set_index(ledger.KEY), log, paid, DATES[1])
    true = 0.2 * found["base"]
    assert len(found) == 200
    assert 180 <= ((found["low"] <= true) & (true <= found["high"])).sum() <= 199
