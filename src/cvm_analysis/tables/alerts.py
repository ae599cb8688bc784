"""Result tables of what needs attention, and of what changed since the last report."""

from cvm_analysis.tables.shape import Table, count, date, money, number, text, yes_no

_FIGURES = {
    "figure": text(
        "a figure of year_on_year, expected_margin, margin_at_stake, or n_customers (who ever "
        "bought)"
    ),
    "value": number("as reported, in the unit of the figure"),
    "model": text("of forecasts: codes of the models in use, with commas between; else empty"),
    "settings": text("of forecasts: fingerprint of the settings they depend on; else empty"),
}
ALERTS = {
    "alerts": Table(
        "one row per alert, worst first; where nothing is wrong, the margin at stake alone",
        ("rank",),
        {
            "rank": count("1 is the alert that is worth most"),
            "alert": text(
                "code: <figure>_fell, <figure>_rose, <figure>_below, <figure>_above, account_lost, "
                "complaints_overdue, data_missing; margin_at_stake if there is no alert"
            ),
            "figure": text("what it is about: a figure of year_on_year; of data_missing the table"),
            "value": number("of the figure now, in its unit"),
            "before": number("a year before; of account_lost the share of that year's net sales"),
            "limit": number("that was passed; empty if the change is beyond chance"),
            "money": money("margin lost or at stake; empty: not known"),
            "n_customers": count("customers concerned"),
            "customer_id": text("of account_lost: pseudonym of the customer; else empty"),
            "answered_by": text(
                "codes of the planned actions that answer it, with commas between; of account_lost "
                "those planned for the customer; empty: none is planned"
            ),
            "is_alert": yes_no("no: nothing is wrong, and this is what is most at stake"),
        },
    ),
    "report_figures": Table(
        "one row per figure that later reports are compared with", ("figure",), dict(_FIGURES)
    ),
    "earlier_reports": Table(
        "one row per figure of each earlier report of the region",
        ("region", "as_of", "figure"),
        {
            "region": text("a key of the config's regions, or all"),
            "as_of": date("day of the report"),
            **_FIGURES,
            "program": text("its version, as another one may forecast otherwise"),
        },
    ),
    "since_last_report": Table(
        "one row per figure of the last report before this one; none: this is the first",
        ("figure",),
        {
            "figure": text("as in table report_figures"),
            "last_as_of": date("day of that report"),
            "value_then": number("as reported then, in the unit of the figure"),
            "value_recomputed": number("of that day from today's data; empty: not known"),
            "value_now": number("of this report"),
            "change_data": number("recomputed less then: late or corrected rows"),
            "change_customers": number("now less recomputed: what customers did"),
            "change_model": yes_no("whether a forecast may have changed by more than its data"),
            "changed": text("what did: model, settings, program, with commas between; else empty"),
            "model_then": text("of forecasts: codes of the models in use then"),
            "model_now": text("the same today"),
        },
    ),
}
