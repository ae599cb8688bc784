"""What changed is split into corrected data and customers, and the two add up."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.churn.lapse import Churn
from cvm_analysis.clv.value import Value
from cvm_analysis.performance import since_last_report
from cvm_analysis.tables import check

FIRST, SECOND, THIRD = (dt.date(2025, month, 28) for month in (10, 11, 12))
FIGURES = pd.Series({"net_sales": 1000.0, "kept_share": 0.6, "n_customers": 50.0})


def report(figures=FIGURES, model="bg_nbd", settings="s1", expected=300.0):
    values = pd.DataFrame({"model": [model, model], "expected_margin": [expected, 0.0]})
    churn = pd.DataFrame({"model": ["mean", None], "margin_at_stake": [70.0, np.nan]})
    rows = since_last_report.to_rows(figures, values, churn, settings)
    check("report_figures", rows.reset_index())
    return rows


def earlier(*reports, program="1.0"):
    """Reports with their days, as the ledger keeps them."""
    about = [
        rows.reset_index().assign(region="east", as_of=pd.Timestamp(day), program=program)
        for day, rows in reports
    ]
    rows = pd.concat(about).set_index(["region", "as_of", "figure"])
    check("earlier_reports", rows.reset_index())
    return rows


def compare(before, now, recomputed, as_of=THIRD, program="1.0"):
    found = since_last_report.compare(before, now, pd.Series(recomputed), as_of, program)
    check("since_last_report", found.reset_index())
    return found


def test_corrected_data_and_customers_add_up_to_the_change():
    now = report(FIGURES.replace(1000.0, 1100.0))
    found = compare(earlier((SECOND, report())), now, {"net_sales": 990.0, "kept_share": 0.6})
    sales = found.loc["net_sales"]
    assert sales[["change_data", "change_customers"]].tolist() == [-10.0, 110.0]
    assert sales["change_data"] + sales["change_customers"] == (
        sales["value_now"] - sales["value_then"]
    )
    assert found.loc["kept_share", ["change_data", "change_customers"]].tolist() == [0.0, 0.0]
    assert not found.loc["net_sales", "change_model"]


def test_noise_of_floats_is_no_correction():
    again = {"net_sales": 1000.0 + 1e-10, "kept_share": 0.6}
    found = compare(earlier((SECOND, report())), report(), again)
    assert found.loc["net_sales", "change_data"] == 0.0


def test_what_cannot_be_recomputed_is_not_split():
    found = compare(earlier((SECOND, report())), report(), {"net_sales": 990.0})
    assert found.loc["n_customers", ["change_data", "change_customers"]].isna().all()
    again = {"net_sales": 990.0, "expected_margin": 250.0}
    forecast = compare(earlier((SECOND, report())), report(), again).loc["expected_margin"]
    assert forecast[["value_recomputed", "change_data", "change_customers"]].isna().all()


def test_the_same_forecast_is_no_change_and_another_one_is_named():
    before = earlier((SECOND, report()))
    same = compare(before, report(), {}).loc["expected_margin"]
    assert (same["change_model"], same["changed"]) == (False, "")
    other = compare(before, report(model="last_period", settings="s2"), {}, program="1.1")
    assert other["changed"].to_dict() == {
        "net_sales": "",
        "kept_share": "",
        "n_customers": "",
        "expected_margin": "model,settings,program",
        "margin_at_stake": "model,settings,program",
    }
    forecast = other.loc["expected_margin"]
    assert (forecast["model_then"], forecast["model_now"]) == ("bg_nbd", "last_period")
    assert other.loc["margin_at_stake", "model_then"] == "bg_nbd,mean", "and the risks"


def test_a_report_is_compared_with_the_newest_of_those_before_it():
    old, new = (report(FIGURES.replace(1000.0, each)) for each in (700.0, 800.0))
    both = earlier((FIRST, old), (SECOND, new))
    assert compare(both, report(), {}).loc["net_sales", "value_then"] == 800.0
    assert compare(both, report(), {}, as_of=SECOND).loc["net_sales", "value_then"] == 700.0
    assert since_last_report.find_last(both, SECOND) == FIRST


def test_the_first_report_has_nothing_to_compare_with():
    assert compare(earlier((THIRD, report())), report(), {}).empty
    assert since_last_report.find_last(earlier((THIRD, report())), THIRD) is None


def test_a_figure_that_only_one_report_has_is_left_out():
    before = earlier((SECOND, report(FIGURES.drop("n_customers"))))
    found = compare(before, report(FIGURES.drop("kept_share")), {})
    assert sorted(found.index) == ["expected_margin", "margin_at_stake", "net_sales"]


def test_figures_of_all_customers_and_who_ever_bought():
    table = pd.DataFrame(
        {"customer_type": ["all", "retail"], "figure": "net_sales", "value": [5.0, 4.0]}
    ).set_index(["customer_type", "figure"])
    people = pd.DataFrame({"n_orders": [0, 1, 7]})
    assert since_last_report.to_figures(table, people).to_dict() == {
        "net_sales": 5.0,
        "n_customers": 2.0,
    }


@pytest.mark.parametrize("changed", [Value(horizon_weeks=26), Value(annual_discount_rate=0.2)])
def test_settings_that_differ_have_another_fingerprint(changed):
    usual = since_last_report.fingerprint(Value(), Churn())
    assert usual == since_last_report.fingerprint(Value(), Churn())
    assert usual != since_last_report.fingerprint(changed, Churn())
