"""Contracts: the published fits through our own functions, and what was known on the day."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from lifelines.datasets import load_rossi

from cvm_analysis.churn import contracts
from cvm_analysis.errors import InputError


@pytest.fixture(scope="module")
def telco(shared):
    """7,043 customers of a telecom company (IBM), tenure in months; 1,869 left."""
    return pd.read_csv(shared / "data" / "telco" / "Telco-Customer-Churn.csv")


@pytest.fixture(scope="module")
def spans(telco):
    return contracts.of_tenure(telco["tenure"], telco["Churn"] == "Yes")


def test_telco_survives_as_in_lifelines(spans):
    curve = contracts.kaplan_meier(spans[0]).set_index("duration")["survival"]
    found = curve.loc[[12, 24, 36, 48, 60, 72]].to_numpy()
    printed = [0.8432, 0.788736, 0.748545, 0.70884, 0.664404, 0.59279]
    assert found == pytest.approx(printed, abs=6e-5)
    assert found[1:] == pytest.approx(printed[1:], abs=6e-6)


def test_its_eleven_contracts_of_no_month_are_kept_and_counted(telco, spans):
    assert (telco["TotalCharges"].str.strip() == "").sum() == 11
    table, notes = spans
    assert len(table) == 7043
    assert [(note.code, note.have) for note in notes] == [("zero_durations", 11)]
    curve = contracts.kaplan_meier(table)
    assert curve.loc[0, ["survival", "n_at_risk"]].tolist() == [1, 7043]
    assert curve.loc[1, "n_at_risk"] == 7032


def test_telco_by_kind_of_contract(telco, spans):
    """Half of those who may leave every month are gone after 35 months."""
    curve = contracts.kaplan_meier(spans[0], telco["Contract"])
    monthly = curve[curve["segment"] == "Month-to-month"].set_index("duration")["survival"]
    assert monthly[35] <= 0.5 < monthly[34]


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
    model = contracts.fit(features, spans[0])
    printed = [1.3e-05, 0.028396, -2.10551, -4.064711, -0.625032, 0.237556]
    assert model.hazards.loc[list(features), "coef"].to_numpy() == pytest.approx(printed, abs=6e-7)
    assert model.log_likelihood == pytest.approx(-14251.617219, abs=6e-7)
    assert model.concordance == pytest.approx(0.80957, abs=6e-6)


def test_rossi_through_contracts():
    data = load_rossi()
    table, _ = contracts.of_tenure(data.pop("week"), data.pop("arrest"))
    model = contracts.fit(data, table)
    assert model.hazards.loc["prio", "coef"] == pytest.approx(0.0914971, abs=6e-8)
    assert model.log_likelihood == pytest.approx(-658.7477, abs=6e-5)


def test_the_chance_to_end_is_conditional_on_having_lasted():
    data = load_rossi()
    table, _ = contracts.of_tenure(data.pop("week"), data.pop("arrest"))
    model = contracts.fit(data, table)
    tenure = pd.Series([0.0, 20.0, 45.0], data.index[:3])
    p = contracts.p_end(model, data.head(3), tenure, [5, 10, 30])
    assert list(p) == ["p_end_5d", "p_end_10d", "p_end_30d"]
    curve = model.fitter.predict_survival_function(data.head(3), times=[5, 10, 20, 30, 50])
    assert p.loc[0].tolist() == pytest.approx((1 - curve.loc[[5, 10, 30], 0]).tolist())
    assert p.loc[1, "p_end_30d"] == pytest.approx(1 - curve.loc[50, 1] / curve.loc[20, 1])
    assert p.loc[2].notna().tolist() == [True, False, False]  # nobody was watched for 55 weeks
    assert (p.loc[[0, 1]].diff(axis=1).iloc[:, 1:] > 0).all(axis=None)


def test_without_a_model_all_contracts_of_an_age_are_alike(spans):
    p = contracts.p_end_alike(spans[0], pd.Series([12, 0, 60, 72], list("abcd")), [12, 24])
    assert p.loc["a", "p_end_12d"] == pytest.approx(1 - 0.788736 / 0.8432, abs=1e-4)
    assert p.loc["b", "p_end_24d"] == pytest.approx(1 - 0.788736, abs=6e-7)
    assert p.loc["c", "p_end_12d"] == pytest.approx(1 - 0.59279 / 0.664404, abs=2e-6)
    assert p.loc[["c", "d"], "p_end_24d"].isna().all()


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
    with pytest.raises(InputError, match="2 of 3 contracts have no tenure"):
        contracts.of_tenure(pd.Series([1, -1, np.nan]), pd.Series([0, 1, 1]))


def test_a_study_goes_without_a_model_where_contracts_are_few():
    table = pd.DataFrame(
        {
            "customer_id": ["a", "b", "c", "c"],
            "started_on": pd.to_datetime(["2024-01-01", "2024-01-01", "2024-12-21", "2024-12-11"]),
            "ended_on": pd.to_datetime(["2024-01-11", "2024-01-31", None, None]),
        }
    )
    found = contracts.study(table, dt.date(2024, 12, 31))
    assert found.hazards.empty
    assert [note.code for note in found.notes] == ["contracts_without_model"]
    assert found.p_end.index.tolist() == ["c"]
    assert list(found.p_end) == ["p_end_90d", "p_end_180d", "p_end_365d"]


def test_a_study_with_a_model_names_each_running_customer_once():
    rng = np.random.default_rng(4)
    n = 600
    start = pd.Timestamp("2022-01-01") + pd.to_timedelta(rng.integers(0, 700, n), unit="D")
    plan = rng.integers(0, 2, n)
    lasted = pd.to_timedelta(rng.exponential(400 / 2.0**plan).round(), unit="D")
    table = pd.DataFrame({"customer_id": [f"c{i % 500}" for i in range(n)], "started_on": start})
    table = table.assign(ended_on=start + lasted, plan=plan)
    found = contracts.study(table, dt.date(2024, 6, 30))
    assert found.hazards.loc["plan", "low"] < 2 < found.hazards.loc["plan", "high"]
    running = found.spans.loc[found.spans["event"] == 0, "customer_id"]
    assert set(found.p_end.index) == set(running)
    assert found.p_end.index.is_unique
    model = contracts.fit(table[["plan"]], found.spans)
    each = contracts.p_end(model, table.loc[running.index, ["plan"]], found.spans["duration"])
    worst = each["p_end_90d"].groupby(running).max()
    assert running.duplicated().any()
    assert found.p_end["p_end_90d"].to_dict() == pytest.approx(worst.to_dict(), nan_ok=True)
    known = found.p_end.dropna()
    assert (known.diff(axis=1).iloc[:, 1:] > 0).all(axis=None)
