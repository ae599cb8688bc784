"""What the manager reads says what the tables say, in both languages, and is never markup."""

import pandas as pd
import pytest

from cvm_analysis.minimum_data import Note
from cvm_analysis.report.writer import Writer
from cvm_analysis.strategy.segment_figures import FIGURES
from cvm_analysis.texts import words

EN = Writer(words("en", horizon_weeks=26), "EUR")


def figures():
    rows = {
        "champions": (10, 0.1, 900.0, 0.5, 600.0, 0.75, 90.0, 60.0, 3.0, 5.0, 1.0),
        "lost": (80, 0.8, 400.0, 0.2, 200.0, 0.25, 5.0, 2.5, 0.1, 400.0, 0.2),
        "dealer": (10, 0.1, 500.0, 0.3, 0.0, 0.0, 50.0, None, None, 30.0, 0.9),
    }
    table = pd.DataFrame(rows.values(), index=list(rows), columns=list(FIGURES), dtype=float)
    return table.rename_axis("segment")


def test_few_segments_are_said_to_bring_most():
    assert EN.top_segments(figures()) == "2 segments bring 100% of the expected margin"
    alone = figures().assign(share_expected_margin=[0.85, 0.15, 0.0])
    assert EN.top_segments(alone) == "1 segment brings 85% of the expected margin"
    assert EN.top_segments(figures().assign(share_expected_margin=None)) is None


def test_the_finding_is_the_heading_of_its_section():
    html = EN.section("segments", since="Jan 2023").html
    assert ">Segments and expected margin</h2>" in html and "orders since Jan 2023" in html
    html = EN.section("segments", EN.top_segments(figures()), since="Jan 2023").html
    assert ">2 segments bring 100% of the expected margin</h2>" in html


def test_key_figures_by_hand():
    people = pd.DataFrame(
        {
            "n_orders": [3, 1, 0],
            "first_order": pd.to_datetime(["2023-01-05", "2024-02-01", None]),
            "x": [2, 0, None],
            "gross_sales": [90.0, 10.0, 0.0],
            "net_sales": [80.0, 10.0, -5.0],
        }
    )
    html = EN.customers(people).html
    for said in (
        ">2<",
        "with an order since Jan 2023, of 3 on file",
        "1 of 2 customers bought on two or more days since Jan 2023",
        "of €100 gross sales since Jan 2023",
        ">50%<",
        ">4<",
        ">€85<",
        ">15.0%<",
        "since Jan 2023, after returns",
    ):
        assert said in html, said


def trust(part, measures):
    rows = [
        (part, model, name, 180, value, model == "a")
        for model in ("b", "a")
        for name, value in measures.items()
    ]
    names = ["part", "model", "metric", "horizon_days", "value", "is_chosen"]
    table = pd.DataFrame(rows, columns=names).replace({"a": "bg_nbd", "b": "own_rate"})
    return table.set_index(["part", "horizon_days", "model", "metric"])


def test_trust_shows_the_chosen_forecast_first_with_its_own_mark():
    html = EN.backtest(trust("value", {"actual_total": 100.0, "bias_total": 0.25})).html
    assert html.index("BG/NBD") < html.index("own past rate")
    assert html.count("✓") == 1 and "25%" in html
    assert "tested on the 180 days up to the report date" in html


def test_the_companys_report_says_which_regions_it_adds_up():
    assert "adds up the reports of all 6 regions" in EN.coverage(6, ()).html
    assert "5 of 6 regions: without South." in EN.coverage(6, ["South"]).html
    assert "own forecasts" in EN.coverage(1, ["East"]).html
    assert EN.coverage(0, ()).html == ""


def test_without_a_trial_the_report_says_untested():
    assert "Treat it as untested" in EN.backtest(trust("churn", {"auc": 0.8})).html


def test_a_note_on_one_purchase_gives_the_amount_in_the_currency():
    note = Note("value", "large_order", 87_040.0, 12.0, customer="C1", day="2025-03-04")
    text = EN.notes([note]).html
    assert "One purchase of €87,040 (customer C1, Mar 4, 2025)" in text and "12%" in text


def test_a_note_is_said_once_with_its_figures():
    note = Note("purchase_model", "own_rate_few_buyers", 12.0, 50.0)
    html = EN.notes([note, note, note._replace(part="churn")]).html
    assert html.count("12 of at least 50") == 1
    assert "data were sufficient" in EN.notes([]).html


def test_quality_shows_only_checks_that_met_a_row_the_most_frequent_first():
    quality = pd.DataFrame(
        {
            "check": ["return", "no_amount", "no_date"],
            "table": "transactions",
            "column": "amount",
            "level": ["info", "error", "error"],
            "n_rows": [5, 70, 0],
            "share": [0.05, 0.7, 0.0],
        }
    ).set_index(["check", "table"])
    html = EN.quality(quality).html
    assert html.index("No readable amount") < html.index("Return")
    assert "No readable date" not in html and "70.00%" in html


@pytest.mark.parametrize(
    ("language", "told", "never"), [("en", "6 months", "12 months"), ("zh", "6个月", "12个月")]
)
def test_every_block_tells_the_horizon_of_the_config(language, told, never):
    writer = Writer(words(language, horizon_weeks=26), "CNY")
    shown = [
        writer.segments(figures()),
        writer.section("segments", since="2023"),
        writer.section("churn", days=180),
        writer.section("now"),
    ]
    assert all(told in block.html and never not in block.html for block in shown)
