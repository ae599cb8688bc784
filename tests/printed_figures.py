"""Reads the figures that a report prints back from its tables, which are read anew from disk.

A figure in the row of a customer must be one of that customer's; in the row of a segment, one of
that segment's; anywhere else, a cell, count, sum, mean or share of a table. It must equal one of
these in the rounding in which it is printed.
"""

import html
import json
import re
from itertools import permutations
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from cvm_analysis.settings import Settings
from cvm_analysis.tables import TABLES
from cvm_analysis.tables import kind as kind_of
from cvm_analysis.texts import Words

MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
DATE = re.compile(rf"{MONTH} (?:\d{{1,2}}, \d{{4}}|\d{{4}}|\d{{1,2}})(?!\d)")
FIGURE = re.compile(r"(?<![\w.])([-−]?)([¥€$]?)(\d[\d,]*(?:\.\d+)?)([KMB]?)(%?)(?![\w%])")
PARTS = r"</?(?:td|th|p|dd|dt|h1|h2|h3|div|li|small|span|caption)\b[^>]*>"  # of a sentence each
UNITS = {"": 1.0, "K": 1e3, "M": 1e6, "B": 1e9}


class Printed(NamedTuple):
    """A figure of a report: as written, where, and the interval of what is rounded to it."""

    text: str
    place: str  # customer, code of a segment, or ""
    sentence: str
    low: float
    high: float
    kind: str  # money, share (printed in percent) or number


def read(report: str, segments: dict[str, str], customers: set[str]) -> list[Printed]:
    """Find all figures of a report outside pictures, dates, and names of rows.

    segments : word -> code
    """
    body = re.sub(r"<(style|nav|footer|head)\b.*?</\1>", "", report, flags=re.DOTALL)
    found = []
    for whole in re.split(r"(<table.*?</table>)", body, flags=re.DOTALL):
        named = {} if re.match(r'<table[^>]* id="base-', whole) else segments
        for piece in re.split(r"(<tr>.*?</tr>)", whole, flags=re.DOTALL):
            name = re.search(r'<th scope="row".*?>(.*?)(?:<small>.*?</small>)?</th>', piece)
            label = html.unescape(name[1]) if name else ""
            place = label if label in customers else named.get(label, "")
            rest = piece[: name.start(1)] + piece[name.end(1) :] if name else piece
            for part in re.split(PARTS, rest):
                text = html.unescape(re.sub(r"<[^>]+>", "", part)).replace("\u2060", "").strip()
                plain = DATE.sub("", text)
                found += [_figure(each, place, text) for each in FIGURE.finditer(plain)]
    return found


def _figure(found: re.Match[str], place: str, sentence: str) -> Printed:
    sign, currency, digits, unit, percent = found.groups()
    scale = UNITS[unit] * (0.01 if percent else 1.0)
    step = 10.0 ** -len(digits.partition(".")[2])
    if currency and not unit and "." not in digits and len(digits.replace(",", "")) == 4:
        step = 10.0  # three digits of four are printed: ¥2,650
    value = float(digits.replace(",", "")) * (-1 if sign else 1)
    low, high = (scale * (value + half * step * 1.000001) for half in (-0.5, 0.5))
    kind = "money" if currency else "share" if percent else "number"
    return Printed(found[0], place, sentence, low, high, kind)


class Sources:
    """What the figures of a report may come from: the tables of its folder, notes and settings."""

    def __init__(
        self, desk: Path, settings: Settings, say: Words, money_times: float = 1.0
    ) -> None:
        """Read the tables; `money_times` multiplies money, to see what wrong tables would do."""
        self.tables = {
            p.stem: _read(p, money_times) for p in sorted((desk / "tables").glob("*.parquet"))
        }
        self.settings, self.say, self.money_times = settings, say, money_times
        self.date = pd.Timestamp(json.loads((desk / "stamp.json").read_text("utf-8"))["as_of"])
        done = [json.loads(path.read_text("utf-8")) for path in (desk / "done").glob("*.json")]
        notes = self.notes = [note for each in done for note in each["notes"]]
        self.said = {float(n[k]) for n in notes for k in ("have", "need") if n[k] is not None}
        self.segment = self.tables["segments"]["segment"]
        self.whole = self._whole()

    def find_unexplained(self, printed: list[Printed]) -> list[Printed]:
        """List the figures that no table has."""
        places = {figure.place for figure in printed if figure.place}
        known = {place: self._of(place) for place in places} | {"": self.whole}
        return [f for f in printed if not _is_among(f, known[f.place])]

    def _of(self, place: str) -> dict[str, np.ndarray]:
        """The figures of a customer, or of a segment."""
        if place in self.segment.index:
            rows = [t.loc[[place]] for t in self._of_customers() if place in t.index]
            cells = [(c, v) for t in rows for c, v in _cells(t)]
            days = self.tables["customers"].loc[place, "days_since_last"]
            cells += [("number", days / v) for c, v in cells if c.startswith("reason_") and v > 0]
            cells += [("share", v) for c, v in cells if c.startswith("reason_")]
            gap = self.tables["churn"].loc[place, "next_order_on"] - self.last_order(place)
            cells += [("number", gap.days)]
        else:
            cells = self._of_segment(place)
        return _by_kind([*cells, *self._fixed()])

    def last_order(self, customer: str) -> pd.Timestamp:
        """The day of a customer's last order."""
        return self.tables["customers"].loc[customer, "last_order"]

    def name_groups(self) -> dict[str, str]:
        """Name segments, classes and grades as rows of tables do: word -> code."""
        say, found = self.say, {}
        for scheme, code in self.tables["strategy"].reset_index()[["scheme", "class"]].to_numpy():
            if scheme == "grade":
                kind, grade = code.split(".")
                parts = {"type": say(f"types.{kind}"), "grade": say(f"grades.{grade}")}
                found[say("report.grades.segment", **parts)] = code
            elif scheme not in ("segment", "all"):
                found[say(f"classes.{code}")] = code
        return found | {say(f"segments.{code}"): code for code in self.segment.unique()}

    def _of_customers(self) -> list[pd.DataFrame]:
        flat = [t.reset_index() for t in self.tables.values() if "customer_id" in t.index.names]
        return [t.set_index("customer_id") for t in flat]

    def _joined(self) -> pd.DataFrame:
        value = self.tables["value"]
        return self.tables["customers"].join(value[value.columns.difference(["model"])])

    def _of_segment(self, code: str) -> list[tuple[str, float]]:
        joined, strategy = self._joined(), self.tables["strategy"]
        of_class = strategy[strategy.index.get_level_values("class") == code]
        if code not in set(self.segment):
            return _cells(of_class)  # of a class or grade, nothing else is printed
        rows = joined[self.segment == code]
        cells = [("number", len(rows)), ("share", (rows["x"] > 0).mean())]
        for column in rows.select_dtypes("number"):
            values = rows[column].astype(float)
            cells += [(column, values.sum()), (column, values.mean())]
            cells += [("share", values.sum() / joined[column].sum())]
        cells += _cells(of_class)
        totals = self.tables["value_totals"]
        rates = self.tables["rates"].query("segment == @code")
        return [*cells, *_cells(totals[totals.index == code]), *_rates(rates)]

    def _fixed(self) -> list[tuple[str, float]]:
        """Figures of the config, and those that are part of a text."""
        settings = self.settings
        days = {settings.churn.horizon_days, settings.business.compare_days, 90, 180, 365}
        days |= {settings.business.experience.close_within_days}
        days |= {7 * settings.value.horizon_weeks, 7 * settings.value.holdout_weeks}
        days |= {int(d) for d in self.tables["backtest"].index.get_level_values("horizon_days")}
        texts = " ".join([*map(self.say.duration, sorted(days)), *self._texts()])
        figures = [_figure(each, "", "") for each in FIGURE.finditer(texts)]
        budget = settings.strategies.budget or {}
        money = [("money", v) for v in (*budget.values(), sum(budget.values()))]
        regions = len([key for key in settings.business.regions if key != "all"])
        money += [("money", v * regions) for v in budget.values()]
        return [*money, *((f.kind, (f.low + f.high) / 2) for f in figures)]

    def _texts(self) -> list[str]:
        texts = [text for key, text in self.say.entries.items() if not key.startswith("charts.")]
        return [*texts, *self.tables["campaign_results"].index.get_level_values("campaign_id")]

    def _whole(self) -> dict[str, np.ndarray]:
        """Cells of small tables; of customers, counts, sums, means and shares, by their codes."""
        cells = [*(("number", v) for v in self.said), *self._fixed()]
        large = [note for note in self.notes if note["code"] == "large_order"]
        cells += [("money", n["have"]) for n in large] + [("share", n["need"] / 100) for n in large]
        for name, table in self.tables.items():
            flat = table.reset_index()
            flat = flat[flat["scheme"] == "all"] if name == "strategy" else flat
            if "customer_id" not in flat:
                cells += _cells(flat)
            elif name != "customers":
                flat = flat.merge(self.segment.reset_index(name="in_segment"), on="customer_id")
            cells += _aggregates(flat)
        cells += _aggregates(self._joined().join(self.segment.rename("in_segment")))
        return _by_kind([*cells, *self._derived()])

    def _derived(self) -> list[tuple[str, float]]:
        """Figures that combine several: shares of the best, rates, effects, precision of a list."""
        customers, value, churn = (self.tables[n] for n in ("customers", "value", "churn"))
        margins = value["expected_margin"].groupby(self.segment).sum().sort_values(ascending=False)
        cells = [("share", v) for v in (margins.cumsum() / margins.sum())]
        cells += [("number", v) for v in range(1, len(margins))]
        sold = customers["gross_sales"].sum()
        cells += [("number", (customers["x"] > 0).sum()), ("share", (customers["x"] > 0).mean())]
        cells += [("share", (sold - customers["net_sales"].sum()) / sold)]
        by_cluster = value["expected_margin"].groupby(self.tables["clusters"]["cluster"]).sum()
        cells += [("money", v) for v in by_cluster]
        moves = self.tables["transitions"].query("scheme == 'grade' and move != 'other'")
        for _, rows in (*moves.groupby("before"), *moves.groupby("move")):
            fell = rows["n_customers"][rows["move"] == "fell"].sum()
            cells += [("share", fell / rows["n_customers"].sum())]
            cells += [(c, rows[c].sum()) for c in ("n_customers", "expected")]
        valued = self._joined().loc[value.index]
        is_new = valued["first_order"] > self.date - pd.Timedelta(days=365)
        for _, rows in valued.groupby(is_new):
            cells += [("number", len(rows)), ("money", rows["margin_365d"].astype(float).sum())]
        active = churn[~churn["lapsed"].eq(True).fillna(False).astype(bool)]
        cells += [("number", active["churn_risk"].sum()), ("number", len(active))]
        effects = self.tables["hazards"][["hazard_ratio", "low", "high"]].to_numpy().ravel()
        cells += [("share", abs(v - 1)) for v in effects]
        lists = self.tables["backtest"].query("part == 'watchlist'")["value"]
        cells += [("share", a / b) for a, b in permutations(lists, 2) if b]
        stakes = churn["margin_at_stake"].groupby(customers["region"]).sum()
        cells += [("money", v) for v in stakes]
        read = self.tables["quality"].query("n_rows > 0")
        cells += [("number", v) for v in read["n_rows"] / read["share"]]
        past = self.tables["backtest"].reset_index()
        past = past[past["is_chosen"].astype(bool) & past["part"].str.startswith("value")]
        cells += [("number", v) for v in past.groupby("metric")["value"].sum()]
        points = self.tables["membership"]["points_expiring"].astype(float).sum()
        cells += [("money", points * (self.settings.business.points.value or 0) * self.money_times)]
        cells += [*self._accounts(), *self._changes(), *self._base()]
        return cells + _rates(self.tables["rates"])

    def _accounts(self) -> list[tuple[str, float]]:
        """What project customers and dealers bought less than the year before, and more."""
        people = self.tables["customers"].query("customer_type != 'retail' and n_orders > 0")
        change = people["net_sales_change_365d"].astype(float)
        return [("money", change[change < 0].sum()), ("money", change[change > 0].sum())]

    def _changes(self) -> list[tuple[str, float]]:
        """Figures of the year and its changes: in money, in percent and in points."""
        table = self.tables["year_on_year"]
        change = (table["value"] - table["before"]).astype(float)
        cells = []
        for each in (change, table["low"].astype(float), table["high"].astype(float)):
            cells += [("share", v) for v in (each / table["before"]).dropna()]
            cells += [("number", v) for v in 100 * each.dropna()]
            cells += [("number", v) for v in each.dropna()]
        cells += [(kind, abs(v)) for kind, v in cells]
        money = table.query("figure in ['net_sales', 'margin', 'value_per_order']")
        money = money[["value", "before", "low", "high"]].to_numpy(float).ravel()
        money = [*money, *self.tables["sales_change"]["effect"].astype(float)]
        return cells + [("money", abs(v) * self.money_times) for v in money if np.isfinite(v)]

    def _base(self) -> list[tuple[str, float]]:
        """Of each value of an attribute, and of the smallest together: customers, sales, shares."""
        people = self.tables["customers"].query("n_orders > 0")
        born = pd.to_datetime(people["birth_date"])
        age = (self.date.year - born.dt.year) - (
            born.dt.strftime("%m%d") > self.date.strftime("%m%d")
        )
        people = people.assign(age=pd.cut(age, [0, 30, 45, 60, 999], right=False).astype(str))
        people["age"] = people["age"].where(born.notna())
        facts = {"n": people["n_orders"] > 0, "sales": people["net_sales_365d"]}
        facts = pd.DataFrame(facts | {"active": people["n_orders_365d"] > 0}).astype(float)
        cells = []
        for values in (people[c] for c in people.select_dtypes("object")):
            given = facts.groupby(values).sum().sort_values("n", ascending=False)
            tails = given.iloc[::-1].cumsum()
            rows = pd.concat([given, tails, facts[values.isna()].sum().to_frame().T])
            cells += [("number", n) for n in rows["n"]] + [("money", v) for v in rows["sales"]]
            for each in (rows / given.sum(), rows[["active"]].div(rows["n"], axis=0)):
                cells += [("share", v) for v in each.to_numpy().ravel() if np.isfinite(v)]
        return cells


def _rates(rates: pd.DataFrame) -> list[tuple[str, float]]:
    """Rates by month, and by segment: of contracts the mean month, of purchases the last."""
    rows = rates.reset_index()
    last = rows["month"].max()
    rows["one"] = rows["month"].where(rows["rate"] == "repurchase", last) == last
    sums = (
        rows[rows["one"]]
        .groupby(["rate", "segment"])
        .agg(n_kept=("n_kept", "sum"), n_due=("n_due", "sum"), months=("month", "nunique"))
    )
    shares = [*(rows["n_kept"] / rows["n_due"]), *(sums["n_kept"] / sums["n_due"])]
    return [("share", v) for v in shares] + [("number", v) for v in sums["n_due"] / sums["months"]]


def _read(path: Path, scale: float) -> pd.DataFrame:
    table, spec = pd.read_parquet(path), TABLES[path.stem]
    for column in table:
        if column in spec.columns and spec.columns[column].kind == "money":
            table[column] = table[column].astype(float) * scale
    return table.set_index(list(spec.key))


def _cells(table: pd.DataFrame) -> list[tuple[str, float]]:
    """All numbers of a table with their columns; those in a text (JSON) too."""
    cells = []
    for column in table:
        for value in table[column].dropna().unique():
            if isinstance(value, str):
                numbers = map(float, re.findall(r"-?\d+(?:\.\d+)?", value))
                cells += [(kind, x) for x in numbers for kind in ("number", "share", "money")]
            elif isinstance(value, (int, float, np.number)):
                cells.append((column, float(value)))
                cells += [("share", float(value))] * (kind_of(column) == "number")
    return cells


def _aggregates(table: pd.DataFrame) -> list[tuple[str, float]]:
    """Rows, counts, sums and means of each column, for all rows and by codes."""
    codes = [c for c in table.select_dtypes("object") if 1 < table[c].nunique() <= 20]
    groups = [table, *(rows for code in codes for _, rows in table.groupby(code))]
    cells = []
    for rows in groups:
        cells += [("number", len(rows)), ("share", len(rows) / max(len(table), 1))]
        for column in rows.select_dtypes("number"):
            values = rows[column].dropna().astype(float)
            total = "money" if kind_of(column) == "money" else "number"
            cells += [("number", len(values)), (total, values.sum()), (column, values.mean())]
    return cells


def _by_kind(cells: list[tuple[str, float]]) -> dict[str, np.ndarray]:
    """Sort by how a column is printed."""
    found: dict[str, list[float]] = {"money": [], "share": [], "number": []}
    for column, value in cells:
        kind = column if column in found else kind_of(column)
        found[kind if kind in found else "number"].append(value)
    return {kind: np.unique(np.array(values)) for kind, values in found.items()}


def _is_among(printed: Printed, known: dict[str, np.ndarray]) -> bool:
    values = known[printed.kind]
    at = np.searchsorted(values, printed.low)
    return bool(at < len(values) and values[at] <= printed.high)
