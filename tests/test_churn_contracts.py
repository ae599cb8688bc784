"""Contracts: the published fits through our own functions, and what was known on the day."""

import datetime as dt

import numpy as np
import pandas as pd
import published
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines import CoxPHFitter
from lifelines.datasets import load_rossi
from medians import medians

from cvm_analysis.churn import contracts
from cvm_analysis.errors import InputError
from cvm_analysis.minimum_data import Note
from cvm_analysis.report.writer import Writer
from cvm_analysis.sample import contracts as invented
from cvm_analysis.sample.business import N_DAYS
from cvm_analysis.survival import cox, kaplan_meier, logrank
from cvm_analysis.texts import languages


@pytest.fixture(scope="module")
def telco(data_set):
    """7,043 customers of a telecom company (IBM), tenure in months; 1,869 left."""
    return pd.read_csv(data_set("telco"))


AS_OF = dt.date(2024, 6, 30)


def from_tenure(tenure, ended):
    """Contracts that started so many days before AS_OF, some of which ended on that day."""
    start = pd.Timestamp(AS_OF) - pd.to_timedelta(tenure, unit="D")
    end = pd.Series(pd.Timestamp(AS_OF), tenure.index).where(ended.astype(bool))
    table = pd.DataFrame({"customer_id": tenure.index, "started_on": start, "ended_on": end})
    return contracts.durations(table, AS_OF)


@pytest.fixture(scope="module")
def spans(telco):
    return from_tenure(telco["tenure"], telco["Churn"] == "Yes")


def test_telco_survives_as_in_lifelines(spans):
    curve = kaplan_meier.kaplan_meier(spans[0]).set_index("duration")["survival"]
    found = curve.loc[[12, 24, 36, 48, 60, 72]].to_numpy()
    printed = [0.8432, 0.788736, 0.748545, 0.70884, 0.664404, 0.59279]
    assert found == pytest.approx(printed, abs=6e-5)
    assert found[1:] == pytest.approx(printed[1:], abs=6e-6)


def test_its_eleven_contracts_of_no_month_are_kept_and_counted(telco, spans):
    assert (telco["TotalCharges"].str.strip() == "").sum() == 11
    table, notes = spans
    assert len(table) == 7043
    assert [(note.code, note.have) for note in notes] == [("zero_durations", 11)]
    curve = kaplan_meier.kaplan_meier(table)
    assert curve.loc[0, ["survival", "n_at_risk"]].tolist() == [1, 7043]
    assert curve.loc[1, "n_at_risk"] == 7032


def test_telco_by_kind_of_contract(telco, spans):
    """Half of those who may leave every month are gone after 35 months."""
    curve = kaplan_meier.kaplan_meier(spans[0], telco["Contract"])
    monthly = curve[curve["segment"] == "Month-to-month"].set_index("duration")["survival"]
    assert monthly[35] <= 0.5 < monthly[34]
    half = medians(spans[0], telco["Contract"]).set_index("segment")["median"]
    assert half["Month-to-month"] == 35
    assert half[["One year", "Two year"]].isna().all()
    assert np.isnan(medians(spans[0])["median"][0])  # S(72) = .59


def test_telco_cox_is_the_one_computed_independently(telco, spans):
    features = pd.DataFrame(
        {
            "MonthlyCharges": telco["MonthlyCharges"],
            "SeniorCitizen": telco["SeniorCitizen"],
            "one_year": telco["Contract"] == "One year",
            "two_year": telco["Contract"] == "Two year",
            "Partner": telco["Partner"] == "Yes",
            "Paperless": telco["PaperlessBilling"] == "Yes",
        }
    )
    model = cox.fit_plain(features, spans[0])
    printed = [1.3e-05, 0.028396, -2.10551, -4.064711, -0.625032, 0.237556]
    assert model.hazards.loc[list(features), "coef"].to_numpy() == pytest.approx(printed, abs=6e-7)
    assert model.log_likelihood == pytest.approx(-14251.617219, abs=6e-7)


def test_telco_ends_are_as_likely_as_they_came(telco, spans):
    """The mean chance to end within 6 months after 12, 24, 36 is what Kaplan-Meier found there."""
    features = pd.DataFrame(
        {"Partner": telco["Partner"] == "Yes", "Senior": telco["SeniorCitizen"]}
    )
    model = cox.fit_plain(features * 1.0, spans[0])
    curve = kaplan_meier.kaplan_meier(spans[0]).set_index("duration")["survival"]
    for tenure in (12, 24, 36):
        there = spans[0].index[spans[0]["duration"] > tenure]
        after = pd.Series(float(tenure), there)
        p = contracts.p_end(model, features.loc[there] * 1.0, after, [6])["p_end_6d"]
        assert p.mean() == pytest.approx(1 - curve[tenure + 6] / curve[tenure], abs=0.003)


@pytest.fixture(scope="module")
def rossi():
    """432 men released from prison; the week of the next arrest or the last week watched."""
    data = load_rossi()
    table, _ = from_tenure(data.pop("week"), data.pop("arrest"))
    return data, table


def test_rossi_through_contracts(rossi):
    model = cox.fit_plain(*rossi)
    assert model.hazards.loc["prio", "coef"] == pytest.approx(0.0914971, abs=6e-8)
    assert model.log_likelihood == pytest.approx(-658.7477, abs=6e-5)


def test_the_chance_to_end_is_conditional_on_having_lasted(rossi):
    """R's predicted survival of Rossi's rows 1, 2, 10 at weeks 10 to 40."""
    model = cox.fit_plain(*rossi)
    printed = published.read("cox_predicted").set_index("time")
    people = rossi[0].iloc[[0, 1, 9]]
    tenure = pd.Series([0.0, 10.0, 45.0], people.index)
    p = contracts.p_end(model, people, tenure, [10, 30])
    assert list(p) == ["p_end_10d", "p_end_30d"]
    assert p.iloc[0].tolist() == pytest.approx((1 - printed.loc[[10, 30], "row1"]).tolist())
    second = 1 - printed["row2"] / printed.loc[10, "row2"]
    assert p.iloc[1].tolist() == pytest.approx(second.loc[[20, 40]].tolist())
    assert p.iloc[2].isna().all()  # nobody was watched for 55 weeks


def test_without_a_model_all_contracts_of_an_age_are_alike(spans):
    p = contracts.p_end_without_model(spans[0], pd.Series([12, 0, 60, 72], list("abcd")), [12, 24])
    assert p.loc["a", "p_end_12d"] == pytest.approx(1 - 0.788736 / 0.8432, abs=1e-4)
    assert p.loc["b", "p_end_24d"] == pytest.approx(1 - 0.788736, abs=6e-7)
    assert p.loc["c", "p_end_12d"] == pytest.approx(1 - 0.59279 / 0.664404, abs=2e-6)
    assert p.loc[["c", "d"], "p_end_24d"].isna().all()


def test_nothing_is_said_of_contracts_younger_than_any_watched():
    spans = pd.DataFrame(
        {"duration": [150, 300, 400], "event": [1, 1, 0], "entry": [100, 100, 120]}
    )
    p = contracts.p_end_without_model(spans, pd.Series([50.0, 120.0], list("ab")), [100])[
        "p_end_100d"
    ]
    assert np.isnan(p["a"])
    assert p["b"] == pytest.approx(1 / 3)


def test_only_what_was_known_on_the_day_counts():
    table = pd.DataFrame(
        {
            "customer_id": list("abcde"),
            "started_on": pd.to_datetime(["2024-01-01"] * 3 + ["2024-12-31", "2025-01-01"]),
            "ended_on": pd.to_datetime(["2024-01-31", None, "2025-06-01", None, None]),
        }
    )
    spans, notes = contracts.durations(table, dt.date(2024, 12, 31))
    assert spans["customer_id"].tolist() == list("abcd")  # e had not begun
    assert spans["duration"].tolist() == [30, 365, 365, 0]
    assert spans["event"].tolist() == [1, 0, 0, 0]  # c ended later
    assert [note.have for note in notes] == [1]
    later = table.assign(ended_on=table["ended_on"].mask(table["ended_on"] > "2024-12-31"))
    pd.testing.assert_frame_equal(contracts.durations(later, dt.date(2024, 12, 31))[0], spans)


def test_impossible_contracts_are_refused():
    table = pd.DataFrame(
        {
            "customer_id": ["a", "b"],
            "started_on": ["2024-02-01"] * 2,
            "ended_on": ["2024-01-01", None],
        }
    )
    with pytest.raises(InputError, match=r"1 of 2 have no started_on .* \(the first: a\)"):
        contracts.durations(table, dt.date(2024, 12, 31))


def begun(n, seed=4, end="2024-06-30", ratio=2.0, people=None):
    """Contracts from 2022 on that last 400 days, divided by `ratio` with a plan (exponential)."""
    rng = np.random.default_rng(seed)
    start = pd.Timestamp("2022-01-01") + pd.to_timedelta(rng.integers(0, 700, n), unit="D")
    plan = rng.integers(0, 2, n)
    lasted = pd.to_timedelta(np.ceil(rng.exponential(400 / ratio**plan)), unit="D")
    ids = [f"c{i % (people or n)}" for i in range(n)]
    table = pd.DataFrame({"customer_id": ids, "started_on": start, "ended_on": start + lasted})
    return table.assign(plan=plan, ended_on=table["ended_on"].mask(table["ended_on"] > end))


def codes(found):
    return [note.code for note in found.notes]


def test_a_study_goes_without_a_model_where_contracts_are_few():
    table = pd.DataFrame(
        {
            "customer_id": ["a", "b", "c", "c"],
            "started_on": pd.to_datetime(["2024-01-01", "2024-01-01", "2024-12-21", "2024-12-11"]),
            "ended_on": pd.to_datetime(["2024-01-11", "2024-01-31", None, None]),
        }
    )
    found = contracts.study(table, dt.date(2024, 12, 31))
    assert found.hazards.empty and found.times.empty
    assert (found.cox, found.aft) == (None, None)
    assert codes(found) == ["contracts_without_model", "horizon_beyond_contracts"]
    assert found.p_end.index.tolist() == ["c"]
    assert list(found.p_end) == ["p_end_90d", "p_end_180d", "p_end_365d"]


def test_a_study_with_a_model_names_each_running_customer_once():
    table = begun(600, people=500)
    found = contracts.study(table, AS_OF)
    assert found.hazards.loc["plan", "low"] < 2 < found.hazards.loc["plan", "high"]
    running = found.spans.loc[found.spans["event"] == 0, "customer_id"]
    assert set(found.p_end.index) == set(running)
    assert found.p_end.index.is_unique
    each = contracts.p_end(found.cox, table.loc[running.index], found.spans["duration"])
    worst = each["p_end_90d"].groupby(running).max()
    assert running.duplicated().any()
    assert found.p_end["p_end_90d"].to_dict() == pytest.approx(worst.to_dict(), nan_ok=True)
    known = found.p_end.dropna()
    assert (known.diff(axis=1).iloc[:, 1:] > 0).all(axis=None)


def test_a_second_contract_of_a_customer_tells_less_than_one_of_another():
    """Every contract twice: clustered by customer the errors stay; as if all were others, 0.7."""
    table = begun(500)
    once = contracts.study(table, AS_OF).hazards.loc["plan"]
    twice = pd.concat([table, table], ignore_index=True)
    same = contracts.study(twice, AS_OF).hazards.loc["plan"]
    others = twice.assign(customer_id=[f"c{i}" for i in range(1000)])
    naive = contracts.study(others, AS_OF).hazards.loc["plan"]
    assert same["coef"] == pytest.approx(once["coef"], abs=0.01)
    assert same["std_error"] == pytest.approx(once["std_error"], rel=0.05)
    assert naive["std_error"] == pytest.approx(once["std_error"] / np.sqrt(2), rel=0.02)


def test_time_ratios_stand_beside_hazard_ratios():
    """Exponential lives: what doubles the pace halves the time; the log-rank test sees it, too."""
    found = contracts.study(begun(1500), AS_OF)
    assert found.times.loc["plan", "low"] < 0.5 < found.times.loc["plan", "high"]
    assert found.aft.shape == pytest.approx(1, abs=0.1)
    implied = found.aft.times.loc["plan", "coef"] * -found.aft.shape
    assert implied == pytest.approx(found.hazards.loc["plan", "coef"], abs=0.05)
    row = found.compared.set_index("feature").loc["plan"]
    assert (row["df"], row["p"]) == (1, row["p_adjusted"])
    assert row["p"] < 1e-9
    tenure = pd.Series([0.0, 300.0])
    p = contracts.p_end(found.aft, pd.DataFrame({"plan": [0, 0]}), tenure, [365])["p_end_365d"]
    assert p.tolist() == pytest.approx([1 - np.exp(-365 / 400)] * 2, abs=0.06)


def test_the_invented_company_s_ratios_are_found():
    """Contracts of the sample; planted 1.9, 1.5, 1.7, all told at once; shape 1.2."""
    rng = np.random.default_rng(1)
    at = rng.uniform(0, N_DAYS - 100, 12_000)
    drawn = invented.contracts(pd.DataFrame({"customer_id": np.arange(12_000), "at": at}), 3)
    day = pd.Timestamp("2020-01-01")
    table = drawn.assign(
        started_on=day + pd.to_timedelta(drawn["started"], unit="D"),
        ended_on=day + pd.to_timedelta(drawn["ended"], unit="D"),
    ).drop(columns=["started", "ended"])
    found = contracts.study(table, (day + pd.Timedelta(days=N_DAYS)).date(), day.date())
    assert "entry" not in found.spans
    for name, ratio in invented.HAZARD_RATIOS.items():
        row = found.hazards.loc[name]
        assert abs(row["coef"] - np.log(ratio)) < 3 * row["std_error"]
        stretched = found.times.loc[name]
        planted = -np.log(ratio) / invented.BASELINE["shape"]
        assert abs(stretched["coef"] - planted) < 3 * stretched["std_error"]
    assert found.aft.shape == pytest.approx(invented.BASELINE["shape"], rel=0.06)


FIRST = dt.date(2023, 3, 1)


def test_what_was_running_when_the_records_began_is_watched_from_then_on():
    table = pd.DataFrame(
        {
            "customer_id": list("abcd"),
            "started_on": pd.to_datetime(["2022-03-01", "2023-02-27", "2023-03-01", "2022-01-01"]),
            "ended_on": pd.to_datetime([None, "2023-03-01", "2023-03-11", "2024-01-01"]),
        }
    )
    spans, notes = contracts.durations(table, dt.date(2023, 6, 30), FIRST)
    assert spans["entry"].tolist() == [364, 1, 0, 423]  # the eve of the first day
    assert spans["duration"].tolist() == [486, 2, 10, 545]
    assert spans["event"].tolist() == [0, 1, 1, 0]
    assert notes == [Note("contracts", "seen_late", 3)]
    kaplan_meier.check_outcome(spans, spans.index)
    further_back = table.assign(
        ended_on=table["ended_on"].where(table.index != 1, FIRST - dt.timedelta(1))
    )
    assert "entry" not in contracts.durations(further_back, dt.date(2023, 6, 30), FIRST)[0]
    assert "entry" not in contracts.durations(table, dt.date(2023, 6, 30))[0]
    with pytest.raises(InputError, match="records start on 2023-03-01, after 2023-02-28"):
        contracts.durations(table, dt.date(2023, 2, 28), FIRST)


def test_a_study_of_records_that_begin_late_finds_the_truth():
    """Lives of 400 and 200 days; what ended before the records is in no table."""
    table = begun(3000, seed=6)
    kept = table[~(table["ended_on"] < pd.Timestamp(FIRST))].reset_index(drop=True)
    found = contracts.study(kept, AS_OF, FIRST)
    assert "seen_late" in codes(found)
    assert found.hazards.loc["plan", "low"] < 2 < found.hazards.loc["plan", "high"]
    assert found.times.loc["plan", "low"] < 0.5 < found.times.loc["plan", "high"]
    half = medians(found.spans, kept["plan"])["median"]
    assert half.tolist() == pytest.approx([400 * np.log(2), 200 * np.log(2)], rel=0.12)
    blind = contracts.study(kept, AS_OF)
    assert (medians(blind.spans, kept["plan"])["median"] > 1.15 * half).all()
    theirs = CoxPHFitter().fit(
        found.spans.drop(columns="customer_id").join(kept["plan"]),
        "duration",
        "event",
        entry_col="entry",
    )
    assert found.hazards.loc["plan", "coef"] == pytest.approx(theirs.params_["plan"], abs=1e-6)
    test = logrank.logrank(found.spans, kept["plan"])
    assert found.compared["chisq"].tolist() == [test.chisq]


def test_no_contract_ended():
    found = contracts.study(begun(300).assign(ended_on=pd.NaT), AS_OF)
    assert codes(found) == ["no_contract_ended"]
    assert len(found.p_end) == 300
    assert found.p_end.isna().all(axis=None)
    assert found.hazards.empty
    assert found.compared["p"].isna().all()


def test_all_contracts_ended():
    table = begun(300, end="2030-12-31")
    found = contracts.study(table, dt.date(2030, 12, 31))
    assert codes(found) == ["all_contracts_ended"]
    assert found.p_end.empty
    assert found.hazards.index.tolist() == ["plan"]


def test_a_segment_without_an_end_leaves_the_model_and_is_said():
    table = begun(600)
    vip = np.arange(600) < 60
    table = table.assign(vip=vip * 1, ended_on=table["ended_on"].mask(vip))
    found = contracts.study(table, AS_OF)
    assert found.cox.dropped == {"vip": "one_sided"}
    assert found.hazards.index.tolist() == found.times.index.tolist() == ["plan"]
    assert Note("contracts", "contract_features_left_out", 1) in found.notes
    tested = found.compared.set_index("feature")
    assert tested.loc["vip", "p"] < 1e-6  # the log-rank test needs no ratio
    first, last = tested.sort_values("p").index
    assert tested.loc[first, "p_adjusted"] == 2 * tested.loc[first, "p"]
    assert tested.loc[last, "p_adjusted"] >= tested.loc[last, "p"]


def test_fewer_ends_than_features():
    table = begun(200)
    table.loc[table.index[table["ended_on"].notna()][12:], "ended_on"] = pd.NaT
    noise = np.random.default_rng(0).normal(size=(200, 15))
    table = table.join(pd.DataFrame(noise).add_prefix("x"))
    found = contracts.study(table, AS_OF)
    assert len(found.hazards) == 1
    assert Note("contracts", "contract_features_left_out", 15) in found.notes


def test_a_horizon_beyond_what_was_watched_is_empty_and_said():
    table = begun(400)
    young = table["started_on"] >= "2023-06-01"
    found = contracts.study(table[young], dt.date(2023, 12, 1))
    assert found.p_end["p_end_365d"].isna().all()
    assert found.p_end["p_end_90d"].notna().any()
    assert Note("contracts", "horizon_beyond_contracts", 183, 365) in found.notes


def test_numbers_nobody_knows_do_no_harm():
    table = begun(600).assign(empty=np.nan, odd=np.inf)
    table.loc[::3, "plan"] = np.nan
    found = contracts.study(table.astype({"plan": "Float64"}), AS_OF)
    assert found.cox.dropped == {"empty": "constant", "odd": "constant"}
    assert found.hazards.index.tolist() == ["plan"]
    told = table.dropna(subset="plan").index
    test = logrank.logrank(found.spans.loc[told], table.loc[told, "plan"])
    assert found.compared.iloc[0].tolist() == ["plan", *test, test.p]


def test_records_without_young_contracts_say_so():
    table = begun(600)
    old = table[(table["started_on"] < "2022-12-01") & ~(table["ended_on"] < "2023-03-01")]
    found = contracts.study(old, AS_OF, FIRST)
    youngest = (pd.Timestamp(FIRST) - old["started_on"].max()).days - 1
    assert Note("contracts", "curve_starts_late", youngest) in found.notes


def test_no_contracts_at_all():
    found = contracts.study(begun(5).head(0), AS_OF)
    assert found.notes == []
    assert found.p_end.empty and found.spans.empty and found.compared.empty


def test_neither_order_nor_names_matter():
    table = begun(500, people=400)
    one = contracts.study(table, AS_OF)
    shuffled = table.sample(frac=1, random_state=2).assign(
        customer_id=lambda t: t["customer_id"].str.replace("c", "z9-")
    )
    other = contracts.study(shuffled, AS_OF)
    pd.testing.assert_frame_equal(one.hazards, other.hazards)
    pd.testing.assert_frame_equal(one.times, other.times, rtol=1e-4)
    assert one.notes == other.notes
    renamed = one.p_end.set_axis(one.p_end.index.str.replace("c", "z9-"))
    pd.testing.assert_frame_equal(renamed.sort_index(), other.p_end.sort_index(), check_names=False)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(-400, 0), st.none() | st.integers(0, 500), st.integers(0, 2)),
        max_size=40,
    ),
    st.booleans(),
)
def test_a_study_never_fails_on_sound_rows_and_says_why_it_lacks_something(rows, late):
    """Any starts, ends and numbers; with records from the first day or from day -200 on."""
    day = pd.Timestamp(AS_OF)
    start = day + pd.to_timedelta([row[0] for row in rows], unit="D")
    ended = pd.Series([np.nan if row[1] is None else row[1] for row in rows], dtype=float)
    table = pd.DataFrame(
        {
            "customer_id": [f"c{i % 7}" for i in range(len(rows))],
            "started_on": start,
            "ended_on": start + pd.to_timedelta(ended, unit="D"),
            "kind": [row[2] for row in rows],
        }
    )
    first_day = AS_OF - dt.timedelta(200)
    if late:
        table = table[~(table["ended_on"] < pd.Timestamp(first_day))]
    found = contracts.study(table, AS_OF, first_day if late else None)
    running = found.spans.loc[found.spans["event"] == 0, "customer_id"]
    assert set(found.p_end.index) == set(running)
    assert found.p_end.stack().between(0, 1).all()
    assert found.notes or found.p_end.notna().any(axis=None) or table.empty
    for note in found.notes:
        for language in languages():
            assert "{" not in Writer(language, "EUR").notes([note]).html
