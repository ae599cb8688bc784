"""The HTML blocks a notebook shows and a report takes over: headline, figures, table, note, action.

Every text is escaped here and nowhere else. Style is the page's; in JupyterLab a block brings it
along.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import jinja2
import pandas as pd
from markupsafe import Markup

from cvm_analysis.errors import InputError
from cvm_analysis.texts import Language, Words, figures_in, words

MIMETYPE = "application/x-cvm-block"
Width = Literal["whole", "half", "folded"]
RIGHT = ("number", "percent", "money", "amounts", "bar")  # formats whose columns are right-aligned
SMALL = 0.65  # of the room of a letter: what one takes in the second line of a cell, and a little
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


class Figure(NamedTuple):
    """A big number; all texts are written.

    change : on the period before, as "+37%"; empty: not shown
    tone : whether the change is `good` or `bad` news; empty: neither, or within chance
    """

    label: str
    value: str
    note: str = ""
    change: str = ""
    tone: str = ""


class Step(NamedTuple):
    """An action on the first page; all texts are written.

    more : further lines
    """

    title: str
    text: str
    owner: str
    due: str
    more: Sequence[str] = ()


class Definition(NamedTuple):
    """A term of the report and what it means; both are written."""

    term: str
    meaning: str


class Cell(NamedTuple):
    """A cell of a table.

    small : a second line; share : of the bar behind the text
    """

    text: str
    small: str = ""
    share: float | None = None


def section(title: str, lead: str = "", width: Width = "whole") -> Block:
    """Open a part of the report: its heading, and how to read it.

    width : `half` parts stand in pairs where the page is wide; `folded` ones are the appendix
    """
    return _block("section", title, lead, width)


def headline(text: str, period: str = "") -> Block:
    """Return the one sentence a reader should take away, and the period it speaks of."""
    return _block("headline", text, period)


def key_figures(figures: Sequence[Figure]) -> Block:
    """Return a row of big numbers."""
    return _block("key_figures", figures)


def steps(steps: Sequence[Step]) -> Block:
    """Return a numbered list of actions with owner and date."""
    return _block("steps", steps)


def bullets(texts: Sequence[str]) -> Block:
    """Return a list of short texts."""
    return _block("bullets", texts)


def facts(facts: Sequence[Definition]) -> Block:
    """Return short facts, each on a line: what it is, and the value."""
    return _block("facts", facts)


def definitions(definitions: Sequence[Definition]) -> Block:
    """Return a list of terms and their meanings."""
    return _block("definitions", definitions)


def text(text: str) -> Block:
    """Return a paragraph."""
    return _block("text", text)


def note(text: str, language: Language = "en") -> Block:
    """Return a remark on how to read something."""
    return _block("note", words(language)("report.note"), text, "")


def warning(text: str, language: Language = "en") -> Block:
    """Return a remark on what limits the figures beside it."""
    return _block("note", words(language)("report.warning"), text, "warning")


def table(
    df: pd.DataFrame,
    formats: Mapping[str, str],
    language: Language = "en",
    currency: str = "CNY",
    rows: str | None = None,
    labels: Mapping[str, str] | None = None,
    id: str | None = None,
    caption: str = "",
) -> Block:
    """Return a table of the columns named in `formats`, in that order; the index labels the rows.

    Parameters
    ----------
    df : one row per line of the table; a plain RangeIndex is not shown
    formats : column -> how its values are written: `number`, `percent` (of a share), `money`, each
        with decimals as in `number:1`; `amounts` for money to three digits, in one unit; `bar`: a
        share as percent over a bar; `date`; `month`; `text`, which may be a Cell; `words:actions`
        for codes with a word under `actions` in the texts
    language : or the words, if a heading names the horizon
    rows : the section of the texts that names the codes of the index (`segments`); None: as it is
    labels : column -> heading, for columns without a word under `columns` in the texts
    id : a name in the page that a link can lead to
    caption : what the rows are, and of which period; empty: the text `captions.<id>`, if any

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
        (labels[c] if c in labels else say(f"columns.{c}"), _class(formats[c], cells))
        for c, cells in written.items()
    ]
    names: list[Cell] | None = None
    if not isinstance(df.index, pd.RangeIndex):
        names = [_cell(code, lambda c: say(f"{rows}.{c}") if rows else str(c)) for code in df.index]
    lines = list(zip(*written.values(), strict=True))
    caption = caption or (say(f"captions.{id}") if f"captions.{id}" in say else "")
    return _block("table", columns, names, _class("text", names or []), lines, caption, id)


@lru_cache
def templates() -> jinja2.Environment:
    """Return the templates of this package; they escape every value that is not Markup."""
    loader = jinja2.PackageLoader("cvm_analysis.report")
    found = jinja2.Environment(loader=loader, autoescape=True, keep_trailing_newline=True)
    found.undefined, found.filters["whole"] = jinja2.StrictUndefined, _join_amounts
    return found


def _join_amounts(text: str) -> str:
    """Keep an amount on one line: its minus, and the Chinese unit (ten thousand) after it."""
    return re.sub("(?<![\\w])-(?=[^\\s\\w-]?\\d)|(?<=\\d)(?=[\u4e07\u4ebf])", "\\g<0>\u2060", text)


def _block(macro: str, *values: Any) -> Block:
    module = templates().get_template("blocks.html").module
    return Block(str(getattr(module, macro)(*values)))


def _cell(value: Any, write: Callable[[Any], str | Cell]) -> Cell:
    """Return a value as a cell, written by `write` unless it is one already."""
    written = value if isinstance(value, Cell) else write(value)
    return written if isinstance(written, Cell) else Cell(written)


def _class(kind: str, cells: Sequence[Cell]) -> str:
    """Return how the page shows a column: `number`, `short`, `word` or `prose`."""
    if kind.partition(":")[0] in RIGHT:
        return "number"
    longest = max((max(_letters(c.text), SMALL * _letters(c.small)) for c in cells), default=0)
    return "short" if longest <= SHORT else "word" if longest <= PROSE else "prose"


def _write(values: pd.Series, kind: str, say: Words, currency: str) -> list[Cell]:
    """Write a column: each value by itself, `amounts` in one unit."""
    if kind == "amounts":
        return [*map(Cell, say.amounts([*values], currency))]
    write = _writer(kind, say, currency)
    return [_cell(value, write) for value in values]


def _writer(kind: str, say: Words, currency: str) -> Callable[[Any], str | Cell]:
    """Return the function that writes a value in a format of `table`."""
    name, _, detail = kind.partition(":")
    digits = int(detail) if detail.isdigit() else 0
    known: dict[str, Callable[[Any], str | Cell]] = {
        "number": lambda v: say.number(v, digits),
        "percent": lambda v: say.percent(v, digits),
        "bar": lambda v: Cell(say.percent(v), share=None if pd.isna(v) else float(v)),
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
