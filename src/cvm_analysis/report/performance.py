"""How the business did against the year before, and why: sentences and a table.

A change that chance explains - customers who happened to come or stay away - is never told as one.
"""

from __future__ import annotations

import datetime as dt

import pandas as pd

from cvm_analysis.report.blocks import Block
from cvm_analysis.report.writer import Writer
from cvm_analysis.tables import ALL

UNITS = {  # of the figures of `year_on_year`, as they are read from top to bottom; of factors
    **{"net_sales": "money", "margin": "money", "n_active": "number", "kept_share": "percent"},
    **{"n_new": "number", "n_orders": "number", "orders_per_customer": "number:2"},
    **{"value_per_order": "money", "return_share": "percent", "late_share": "percent"},
    **{"complaints_per_100": "number:1", "nps": "number:1", "customers": "number"},
}
_MONTH = 31  # days
_STEADY = 0.02  # a smaller change that may be chance is none
_TEXTS = "report.performance"


def headline_result(writer: Writer, year_on_year: pd.DataFrame, date: dt.date) -> str:
    """Say how net sales, and margin if it is known, changed in the 12 months to a day.

    year_on_year : the table; of a log without a whole year, without rows
    """
    if (ALL, "net_sales") not in year_on_year.index:
        return writer.say(f"{_TEXTS}.too_short")
    rows, day = year_on_year.loc[ALL], writer.say.date(date)
    said = [_tell(writer, rows.loc["net_sales"], "net_sales", date=day)]
    said += [_tell(writer, rows.loc[name], name) for name in rows.index if name == "margin"]
    return _sentences(writer, said)


def in_short(writer: Writer, year_on_year: pd.DataFrame) -> str:
    """Say how net sales changed as a clause without a full stop, for a headline."""
    if (ALL, "net_sales") not in year_on_year.index:
        return writer.say(f"{_TEXTS}.short.too_short")
    return _tell(writer, year_on_year.loc[(ALL, "net_sales")], "short")


def has_fallen(year_on_year: pd.DataFrame) -> bool:
    """Whether net sales fell by more than chance explains."""
    if (ALL, "net_sales") not in year_on_year.index:
        return False
    row = year_on_year.loc[(ALL, "net_sales")]
    return bool(row["beyond_chance"] and row["value"] < row["before"])


def last_period(writer: Writer, sales_trend: pd.DataFrame) -> str:
    """Say how the last period compares with the one a year before, and so the one before it.

    sales_trend : the table
    """
    is_all = sales_trend.index.get_level_values("customer_type") == ALL
    say, periods = writer.say, sales_trend[is_all].droplevel("customer_type").sort_index()
    earlier = periods["net_sales_before"].where(periods["net_sales_before"] > 0)
    growth = (periods["net_sales"] / earlier - 1).dropna()
    if len(growth) < 2:
        return say(f"{_TEXTS}.last_period.unknown")
    now, before = growth.iloc[-1], growth.iloc[-2]
    days = (growth.index[-1] - growth.index[-2]).days
    span = say(f"{_TEXTS}.last_period.{'quarter' if days > _MONTH else 'month'}")
    form, of_before = (_choose(share, abs(share) >= _STEADY) for share in (now, before))
    after = say(f"{_TEXTS}.last_period.after.{of_before}", change=say.percent(abs(before)))
    change = say.percent(abs(now))
    return say(f"{_TEXTS}.last_period.{form}", span=span, change=change, after=after)


def why_changed(writer: Writer, sales_change: pd.DataFrame) -> str:
    """Say what each factor beyond chance added to net sales, the largest first, and which is not.

    sales_change : the table; of a log that does not cover the year before, without rows
    """
    if sales_change.empty:
        return writer.say(f"{_TEXTS}.no_year_before")
    rows = sales_change.loc[ALL].sort_values("effect", key=abs, ascending=False, kind="stable")
    changed = rows["beyond_chance"].astype(bool)
    said = [_tell_effect(writer, str(factor), row) for factor, row in rows[changed].iterrows()]
    others = [writer.say(f"{_TEXTS}.within.{factor}") for factor in rows.index[~changed]]
    if others:
        said.append(writer.say(f"{_TEXTS}.others", names=writer.say.listed(others)))
    return _sentences(writer, said)


def by_type(writer: Writer, year_on_year: pd.DataFrame) -> str:
    """Say how net sales of each customer type changed, the largest first.

    year_on_year : the table; of a log without a whole year, without rows
    """
    rows = year_on_year[year_on_year.index.get_level_values("figure") == "net_sales"]
    rows = rows.droplevel("figure").drop(index=ALL, errors="ignore")
    if rows.empty:
        return writer.say(f"{_TEXTS}.too_short")
    rows = rows.sort_values("value", ascending=False, kind="stable")
    names = [writer.say(f"types.{kind}") for kind in rows.index]
    told = zip(names, rows.iterrows(), strict=True)
    return _sentences(writer, [_tell(writer, row, "type", type=name) for name, (_, row) in told])


def table(writer: Writer, year_on_year: pd.DataFrame) -> Block:
    """Show all figures beside those of the year before; a mark where the change is beyond chance.

    year_on_year : the table; only its rows of all customers are shown
    """
    is_all = year_on_year.index.get_level_values("customer_type") == ALL
    rows = year_on_year[is_all].droplevel("customer_type")
    rows = rows.loc[[figure for figure in UNITS if figure in rows.index]]
    if rows.empty:
        return writer.note(f"{_TEXTS}.too_short")
    shown = pd.DataFrame([_cells(writer, str(name), row) for name, row in rows.iterrows()])
    headings = {name: writer.say(f"{_TEXTS}.columns.{name}") for name in shown}
    formats = dict.fromkeys(shown, "text")
    return writer.table(
        shown.set_index(rows.index), formats, f"{_TEXTS}.figures", headings, "year-on-year"
    )


def write(writer: Writer, figure: str, value: float) -> str:
    """Write a figure of `year_on_year`, or a factor of `sales_change`, in its unit."""
    say, unit = writer.say, UNITS[figure]
    if unit == "money":
        return writer.money(value)
    if unit == "percent":
        return say.percent(value, 1)
    return say.number(value, int(unit.partition(":")[2] or 0))


def write_change(writer: Writer, figure: str, change: float, before: float) -> str:
    """Write a change with its sign: of shares and the NPS in points, of others as a share."""
    if figure == "nps":
        return _with_sign(writer.say.number(change, 1), change)
    if UNITS[figure] == "percent":
        return _with_sign(writer.say.number(100 * change, 1), change)
    if not before > 0:
        return writer.say.number(None)
    return _with_sign(_percent(writer, change / before), change)


def _cells(writer: Writer, figure: str, row: pd.Series) -> dict[str, str]:
    """Write the cells of a figure's row."""
    before = row["before"]
    change = write_change(writer, figure, row["value"] - before, before)
    if UNITS[figure] == "percent":
        change = writer.say(f"{_TEXTS}.points", n=change)
    return {
        "value": write(writer, figure, row["value"]),
        "before": write(writer, figure, before),
        "change": change,
        "range": writer.range(
            row["low"], row["high"], lambda end: write_change(writer, figure, end, before)
        ),
        "beyond_chance": writer.say("report.writer.yes") if row["beyond_chance"] else "",
    }


def _tell(writer: Writer, row: pd.Series, of: str, **names: str) -> str:
    """Say how an amount changed: the text under `of` that fits."""
    value, before = float(row["value"]), float(row["before"])
    written = {"value": writer.money(value), "before": writer.money(before)}
    if pd.isna(before):
        return writer.say(f"{_TEXTS}.{of}.alone", **written, **names)
    change = value - before
    if before <= 0:
        return writer.say(f"{_TEXTS}.{of}.from", **written, **names)
    written |= {"amount": writer.money(abs(change))}
    written |= {"change": _percent(writer, abs(change) / before)}
    form = _choose(change / before, bool(row["beyond_chance"]))
    return writer.say(f"{_TEXTS}.{of}.{form}", **written, **names)


def _choose(share: float, is_clear: bool) -> str:
    """Name the form of a text on a change, a share of what was before.

    is_clear : beyond chance, or, where chance was not tested, not too small to mention
    """
    if is_clear:
        return "grew" if share > 0 else "fell"
    if abs(share) < _STEADY:
        return "steady"
    return "may_have_grown" if share > 0 else "may_have_fallen"


def _tell_effect(writer: Writer, factor: str, row: pd.Series) -> str:
    """Say what a factor added to net sales, or took from them."""
    change = abs(row["value"] / row["before"] - 1) if row["before"] > 0 else float("nan")
    form = "more" if row["effect"] > 0 else "less"
    written = {"change": _percent(writer, change), "effect": writer.money(abs(row["effect"]))}
    return writer.say(f"{_TEXTS}.{factor}.{form}", **written)


def _percent(writer: Writer, share: float) -> str:
    """Write a share, one below a tenth with a decimal."""
    return writer.say.percent(share, int(abs(share) < 0.0995))


def _with_sign(written: str, value: float) -> str:
    return f"+{written}" if value > 0 else written


def _sentences(writer: Writer, said: list[str]) -> str:
    """Write sentences one after the other, as the language does."""
    return writer.say(f"{_TEXTS}.between").join(said)
