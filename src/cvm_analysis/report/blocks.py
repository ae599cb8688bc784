"""The HTML blocks a notebook shows and a report takes over: headline, figures, table, note, action.

Every text is escaped here, where it enters HTML; nobody downstream does it again. Style is the
page's; in JupyterLab a block brings the same style along.
"""

import hashlib
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
from cvm_analysis.texts import Words, figures_in, words

MIMETYPE = "application/x-cvm-block"
RIGHT = ("number", "percent", "money", "short")  # formats whose columns are aligned right
PROSE = 30  # letters; a column with a longer text is kept wide enough to be read


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


def note(text: str, language: str = "en") -> Block:
    """Return a remark on how to read something."""
    return _block("note", words(language)("report.note"), text, "")


def warning(text: str, language: str = "en") -> Block:
    """Return a remark on what limits the figures beside it."""
    return _block("note", words(language)("report.warning"), text, "warning")


def action_card(
    segment: str, action: str, why: str, cost: str, gain: str, evidence: str, language: str = "en"
) -> Block:
    """Return what to do for a segment, and why; every argument is a text, its figures formatted."""
    say = words(language)
    figures = {"cost": cost, "gain": gain, "evidence": evidence}
    named = [(say(f"report.action.{name}"), value) for name, value in figures.items()]
    return _block("action_card", segment, action, why, named)


def table(
    df: pd.DataFrame,
    formats: Mapping[str, str],
    language: str = "en",
    currency: str = "CNY",
    caption: str | None = None,
    rows: str | None = None,
    labels: Mapping[str, str] | None = None,
    id: str | None = None,
) -> Block:
    """Return a table of the columns named in `formats`, in that order; the index labels the rows.

    Parameters
    ----------
    df : one row per line of the table; a plain RangeIndex is not shown
    formats : column -> how its values are written: `number`, `percent` (of a share), `money`, each
        with decimals as in `number:1`; `short` for money to three digits; `date`; `month`; `text`;
        `words:actions` for codes with a word under `actions` in the texts
    rows : the section of the texts that names the codes of the index (`segments`); None: as it is
    labels : column -> heading, for columns without a word under `columns` in the texts
    id : of the table in its page; default: derived from its content

    Raises
    ------
    InputError : `df` lacks a column of `formats`, or a format is none of the above
    """
    from great_tables import GT, loc, style

    say = words(language)
    shown = _written(df, formats, say, currency)
    labels = labels or {}
    headings = {c: labels[c] if c in labels else say(f"columns.{c}") for c in formats}
    stub = None
    if not isinstance(df.index, pd.RangeIndex):
        stub = "\0row"  # a name no column has
        names = [say(f"{rows}.{code}") if rows else str(code) for code in df.index]
        shown.insert(0, stub, names)
    content = shown.to_csv() + repr(sorted(headings.items()))
    fixed = id or "t" + hashlib.sha256(content.encode()).hexdigest()[:10]
    grid = GT(shown, rowname_col=stub, id=fixed).cols_label({**headings})
    right = [c for c, kind in formats.items() if kind.partition(":")[0] in RIGHT]
    grid = grid.cols_align("left")
    grid = grid.cols_align("right", right) if right else grid
    prose = [c for c in formats if c not in right and shown[c].map(_letters).max() > PROSE]
    if prose:
        grid = grid.tab_style(style.css("min-width: 11em"), loc.body(columns=prose))
    return _block("table", Markup(_bare(grid.as_raw_html())), caption, say("report.table"))


@lru_cache
def templates() -> jinja2.Environment:
    """Return the templates of this package; they escape every value that is not Markup."""
    loader = jinja2.PackageLoader("cvm_analysis.report")
    return jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    )


def _block(macro: str, *values: Any) -> Block:
    module = templates().get_template("blocks.html").module
    return Block(str(getattr(module, macro)(*values)))


def _written(
    df: pd.DataFrame, formats: Mapping[str, str], say: Words, currency: str
) -> pd.DataFrame:
    """Return the columns of `formats` as text."""
    absent = [column for column in formats if column not in df]
    if absent:
        raise InputError(f"table: no column {', '.join(absent)}; it has {', '.join(map(str, df))}")
    writers = {column: _writer(kind, say, currency) for column, kind in formats.items()}
    columns = {column: [write(v) for v in df[column]] for column, write in writers.items()}
    return pd.DataFrame(columns, dtype=object)


def _writer(kind: str, say: Words, currency: str) -> Callable[[Any], str]:
    """Return the function that writes a value in a format of `table`."""
    name, _, detail = kind.partition(":")
    digits = int(detail) if detail.isdigit() else 0
    known: dict[str, Callable[[Any], str]] = {
        "number": lambda v: say.number(v, digits),
        "percent": lambda v: say.percent(v, digits),
        "money": lambda v: say.money(v, currency, digits),
        "short": lambda v: say.short(v, currency),
        "date": say.date,
        "month": say.month,
        "text": lambda v: say.number(None) if pd.isna(v) else str(v),
        "words": lambda v: say.number(None) if pd.isna(v) else say(f"{detail}.{v}"),
    }
    if name not in known:
        raise InputError(f"table: no format '{kind}'; there are {', '.join(known)}")
    return known[name]


def _letters(text: str) -> int:
    """Return how many letters' room a text takes; a Chinese character takes that of two."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def _bare(html: str) -> str:
    """Return only the table element of what great_tables made; the style is the page's own."""
    found = re.search(r"<table.*</table>", html, flags=re.DOTALL)
    return found.group() if found else html
