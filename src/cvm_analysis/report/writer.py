"""The manager's report: result tables -> sentences, figures and cards in a language.

Nothing is computed here but what a sentence needs (a share, a largest row); every word comes from
the texts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from cvm_analysis.minimum_data import Note
from cvm_analysis.report import blocks, coverage
from cvm_analysis.report.blocks import Block, Figure
from cvm_analysis.texts import Language, Words, words

MOST = 0.8  # of the expected margin: so few segments bring it
SEGMENT_COLUMNS = {
    "n_customers": "number",
    "net_sales": "money",
    "expected_margin": "money",
    "mean_expected_margin": "money",
    "repeat_share": "percent",
    "mean_days_since_last": "number",
}
ACCURACY = {"actual_total": "number", "forecast_total": "number", "bias_total": "percent"}
ACCURACY |= {"log_score": "number:3", "mae": "number:2", "rmse": "number:2"}
ACCURACY |= {"top_decile": "percent"}


@dataclass(frozen=True)
class Writer:
    """Writes for one reader; the methods give one block each.

    language : words that know the horizon of the forecasts, and the business's own
    """

    language: Language
    currency: str

    @property
    def say(self) -> Words:
        """The words of the language."""
        return words(self.language)

    def money(self, value: float) -> str:
        """Write an amount to three digits."""
        return self.say.short(value, self.currency)

    def note(self, key: str, **figures: str) -> Block:
        """Show a text as a note."""
        return blocks.note(self.say(key, **figures), self.language)

    def table(
        self,
        df: pd.DataFrame,
        formats: Mapping[str, str],
        rows: str | None = None,
        labels: Mapping[str, str] | None = None,
        id: str | None = None,
    ) -> Block:
        """Show a table; parameters as for `blocks.table`."""
        return blocks.table(df, formats, self.say, self.currency, rows, labels, id)

    def in_full(self, value: float) -> str:
        """Write an amount with all its digits."""
        return self.say.money(value, self.currency)

    def range(self, low: float, high: float, write: Callable[[float], str]) -> str:
        """Write an interval, its ends by `write`; a dash without one."""
        if pd.isna(low):
            return self.say.number(None)
        return self.say("report.writer.range", low=write(low), high=write(high))

    def section(
        self,
        name: str,
        finding: str | None = None,
        width: blocks.Width = "folded",
        **figures: int | str,
    ) -> Block:
        """Open a section: its finding or title, and how to read what follows.

        width : as blocks.section
        figures : of that text: times in days, and whatever is written already
        """
        written = {
            key: self.say.duration(value) if isinstance(value, int) else value
            for key, value in figures.items()
        }
        how_to_read = self.say(f"report.writer.{name}.how_to_read", **written)
        title = finding or self.say(f"report.writer.{name}.title")
        return blocks.section(title, how_to_read, width)

    def part(self, heading: str, *shown: Block) -> Block:
        """Show a part at half the width of the page, under a heading that is its finding.

        Nothing without a heading: there is nothing to say.
        """
        if not heading:
            return Block("")
        return blocks.join([blocks.section(heading, width="half"), *shown])

    def coverage(self, regions: int, missing: Sequence[str]) -> Block:
        """Say which regions the company's report adds up; nothing for a region (0 regions).

        missing : names of those that are not in it
        """
        if not regions:
            return blocks.join([])
        show = blocks.warning if missing else blocks.note
        return show(coverage.describe(self.say, regions, missing), self.language)

    def customers(self, customers: pd.DataFrame) -> Block:
        """Show the size of the business: customers, orders, net sales, returns."""
        say, buyers = self.say, customers[customers["n_orders"] > 0]
        repeat = buyers["x"] > 0
        gross, net = float(customers["gross_sales"].sum()), float(customers["net_sales"].sum())
        returned = (gross - net) / gross if gross else float("nan")
        since, n_buyers = self.since(buyers), say.number(len(buyers))
        repeats = {"n": say.number(repeat.sum()), "buyers": n_buyers}
        figures = [
            self._key("buyers", n_buyers, n=say.number(len(customers)), since=since),
            self._key("repeat_customers", say.percent(repeat.mean()), **repeats, since=since),
            self._key("orders", say.number(buyers["n_orders"].sum()), since=since),
            self._key("net_sales", self.money(net), since=since),
            self._key("returned", say.percent(returned, 1), n=self.money(gross), since=since),
        ]
        return blocks.key_figures(figures)

    def since(self, customers: pd.DataFrame) -> str:
        """Write the month of the first purchase, from which sales and orders count."""
        return self.say.month(customers["first_order"].min())

    def _key(self, name: str, value: str, **figures: str) -> Figure:
        key = f"report.writer.key.{name}"
        return Figure(self.say(f"{key}.label"), value, self.say(f"{key}.note", **figures))

    def top_segments(self, figures: pd.DataFrame) -> str | None:
        """Say how few segments bring most of the expected margin; None without a forecast."""
        share = figures["share_expected_margin"].cumsum()
        n = int((share < MOST).sum()) + 1
        if not share.max() >= MOST:
            return None
        written = self.say.percent(share.iloc[n - 1])
        return self.say.plural("report.writer.segments.finding", n, share=written)

    def segments(self, figures: pd.DataFrame) -> Block:
        """Show one row per segment in figures."""
        return self.table(figures, SEGMENT_COLUMNS, "segments", id="segments")

    def backtest(self, backtest: pd.DataFrame, beside: Sequence[str] = ()) -> Block:
        """Show how far off each forecast of purchases was on an unseen past period.

        beside : the forecasts to show beside the one in use; none: all that were tested
        """
        if "value" not in backtest.index.get_level_values("part"):
            return self.note("report.writer.untested")
        rows = backtest.xs("value", level="part")
        days = int(rows.index.get_level_values("horizon_days").max())
        rows = rows.droplevel("horizon_days")
        used = rows["is_chosen"].astype(bool).groupby("model").first()
        wide = rows["value"].astype(float).unstack("metric").reindex(columns=list(ACCURACY))
        mark = used.map({True: self.say("report.writer.yes"), False: ""})
        wide = wide.assign(chosen=used, used=mark)
        wide = wide[used | used.index.isin(beside)] if beside else wide
        wide = wide.sort_values(["chosen", "log_score"], ascending=False)
        shown = self.table(wide, {"used": "text", **ACCURACY}, "models", id="backtest-value")
        return blocks.join(
            [shown, self.note("report.writer.tested_on", days=self.say.duration(days))]
        )

    def model(self, value: pd.DataFrame) -> Block:
        """Say which forecast the values rest on."""
        codes = value["model"].unique()
        names = self.say.listed(self.say(f"models.{code}") for code in codes)
        return self.note("report.writer.model", model=names)

    def notes(self, notes: Iterable[Note]) -> Block:
        """Say what was left out or replaced, and the figures why; each sentence once.

        A note on a day is on a purchase: its figure is an amount.
        """
        texts = []
        for note in notes:
            figures = {"have": self.say.number(note.have), "need": self.say.number(note.need)}
            if note.day:
                figures |= {"customer": note.customer or "", "day": self.say.date(note.day)}
                figures["amount"] = self.in_full(note.have or 0.0)
            text = self.say.plural(f"notes.{note.code}", note.have, **figures)
            if note.customer_type:
                kind = self.say(f"types.{note.customer_type}")
                text = self.say("report.writer.note_on_type", type=kind, text=text)
            texts.append(text)
        shown = [blocks.warning(text, self.language) for text in dict.fromkeys(texts)]
        return blocks.join(shown or [self.note("report.writer.nothing_left_out")])

    def quality(self, quality: pd.DataFrame) -> Block:
        """Show the checks of the raw files that met at least one row, the most frequent first."""
        met = quality[quality["n_rows"] > 0].reset_index().sort_values("n_rows", ascending=False)
        formats = {"table": "words:raw_tables", "level": "words:levels"}
        formats |= {"n_rows": "number", "share": "percent:2"}
        return self.table(met.set_index("check"), formats, "checks", id="quality")
