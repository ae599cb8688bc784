"""The HTML blocks a notebook shows and a report takes over: headline, figures, table, note, action.

Every text is escaped here and nowhere else. Style is the page's; in JupyterLab a block brings it
along.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

from cvm_analysis.errors import InputError
from cvm_analysis.texts import Language, Words, figures_in, words

MIMETYPE = "application/x-cvm-block"
RIGHT = ("number", "percent", "money", "amounts")  # formats whose columns are aligned right
SHORT, PROSE = 16, 30  # letters: a column of short texts is not broken, one of long texts is wide


@dataclass(frozen=True)
class Block:
    """A piece of finished HTML; all text in it is escaped."""

    html: str

    def __repr__(self) -> str:
        return f"Block({', '.join(figures_in(Markup(self.html).striptags()))})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        style = templates().get_template("blocks.css").render()
        shown = f'<style>{style}</style><div class="cvm">{self.html}</div>'
        return {MIMETYPE: self.html, "text/html": shown}


def join(blocks: Sequence[Block]) -> Block:
    """Return blocks one below the other as one."""
    return Block("\n".join(block.html for block in blocks))


def section(title: str, lead: str) -> Block:
    """Return the heading of a part of the report, and how to read it; the page lists it."""
    return _block("section", title, lead)


def headline(text: str) -> Block:
    """Return the one sentence a reader should take away."""
    return _block("headline", text)


def key_figures(figures: Sequence[tuple[str, str, str | None]]) -> Block:
    """Return a row of big numbers: (label, formatted value, note or None) for each."""
    return _block("key_figures", figures)


def paragraph(text: str) -> Block:
    """Return a sentence or a few that belong to the report itself, as a note does not."""
    return _block("paragraph", text)


def note(text: str, language: Language = "en") -> Block:
    """Return a remark on how to read something."""
    return _block("note", words(language)("report.note"), text, "")


def warning(text: str, language: Language = "en") -> Block:
    """Return a remark on what limits the figures beside it."""
    return _block("note", words(language)("report.warning"), text, "warning")


def action_card(segment: str, action: str, why: str, figures: Mapping[str, str]) -> Block:
    """Return what to do for a segment, why, and figures on it, written, by their labels."""
    return _block("action_card", segment, action, why, list(figures.items()))


def table(
    df: pd.DataFrame,
    formats: Mapping[str, str],
    language: Language = "en",
    currency: str = "CNY",
    rows: str | None = None,
    labels: Mapping[str, str] | None = None,
    id: str | None = None,
) -> Block:
    """Return a table of the columns named in `formats`, in that order; the index labels the rows.

    Parameters
    ----------
    df : one row per line of the table; a plain RangeIndex is not shown
    formats : column -> how its values are written: `number`, `percent` (of a share), `money`, each
        with decimals as in `number:1`; `amounts` for money to three digits, in one unit; `date`;
        `month`; `text`; `words:actions` for codes with a word under `actions` in the texts
    language : or the words, if a heading names the horizon
    rows : the section of the texts that names the codes of the index (`segments`); None: as it is
    labels : column -> heading, for columns without a word under `columns` in the texts
    id : a name in the page that a link can lead to

    Raises
    ------
    InputError : `df` lacks a column of `formats`, or a format is none of the above
    """
    say = words(language)
    absent = [column for column in formats if column not in df]
    if absent:
        raise InputError(f"table: no column {', '.join(absent)}; it has {', '.join(map(str, df))}")
    written = {c: _write(df[c], kind, say, currency) for c, kind in formats.items()}
    labels = labels or {}
    columns = [
        (labels[c] if c in labels else say(f"columns.{c}"), _class(formats[c], texts))
        for c, texts in written.items()
    ]
    names: list[str] | None = None
    if not isinstance(df.index, pd.RangeIndex):
        names = [say(f"{rows}.{code}") if rows else str(code) for code in df.index]
    cells = list(zip(*written.values(), strict=True))
    kind = _class("text", names or [])
    return _block("table", columns, names, kind, cells, say("report.table"), id)


@lru_cache
def templates() -> jinja2.Environment:
    """Return the templates of this package; they escape every value that is not Markup."""
    loader = jinja2.PackageLoader("cvm_analysis.report")
    found = jinja2.Environment(loader=loader, autoescape=True, keep_trailing_newline=True)
    found.undefined, found.filters["whole"] = jinja2.StrictUndefined, _join_amounts
    return found


def _join_amounts(text: str) -> str:
    """Keep digits and the Chinese unit after them (ten thousand, hundred million) on one line."""
    return re.sub("(\\d)(?=[\u4e07\u4ebf])", "\\1\u2060", text)


def _block(macro: str, *values: Any) -> Block:
    module = templates().get_template("blocks.html").module
    return Block(str(getattr(module, macro)(*values)))


def _class(kind: str, texts: list[str]) -> str:
    """Return how the page shows a column: `number`, `short`, `word` or `prose`."""
    if kind.partition(":")[0] in RIGHT:
        return "number"
    longest = max(map(_letters, texts), default=0)
    return "short" if longest <= SHORT else "word" if longest <= PROSE else "prose"


def _write(values: pd.Series, kind: str, say: Words, currency: str) -> list[str]:
    """Write a column: each value by itself, `amounts` in one unit."""
    if kind == "amounts":
        return say.amounts([*values], currency)
    return [*map(_writer(kind, say, currency), values)]


def _writer(kind: str, say: Words, currency: str) -> Callable[[Any], str]:
    """Return the function that writes a value in a format of `table`."""
    name, _, detail = kind.partition(":")
    digits = int(detail) if detail.isdigit() else 0
    known: dict[str, Callable[[Any], str]] = {
        "number": lambda v: say.number(v, digits),
        "percent": lambda v: say.percent(v, digits),
        "money": lambda v: say.money(v, currency, digits),
        "date": say.date,
        "month": say.month,
        "text": lambda v: say.number(None) if pd.isna(v) else str(v),
        "words": lambda v: say.number(None) if pd.isna(v) else say(f"{detail}.{v}"),
    }
    if name not in known:
        raise InputError(f"table: no format '{kind}'; there are {', '.join([*known, 'amounts'])}")
    return known[name]


def _letters(text: str) -> int:
    """Return how many letters' room a text takes; a Chinese character takes that of two."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)
