"""Text cells, or typed ones, as the values of a table's columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import ibis
from ibis import ir

from cvm_analysis.intake import ids, moments, numbers
from cvm_analysis.intake.numbers import MONEY
from cvm_analysis.intake.rules import CARRIED
from cvm_analysis.tables import TABLES
from cvm_analysis.tables.shape import NUMERIC, Kind

YES = ("yes", "true", "1", "y", "是", "同意")
NO = ("no", "false", "0", "n", "否", "不同意")


class Reading(NamedTuple):
    """How the cells of a source are written.

    in_sheet : dates may be those of a workbook, whatever the pattern
    """

    decimal: str | None = None
    timezone: str = "UTC"
    in_sheet: bool = False


def parse_columns(
    raw: ir.Table,
    table: str,
    formats: Mapping[str, str],
    added: Sequence[str] = (),
    reading: Reading = Reading(),  # noqa: B008
) -> ir.Table:
    """Parse a staged file into the columns of `table`, each with its text in `<column>_text`.

    Columns that the file lacks are empty; `added` are the business's own. A missing column amount
    is quantity x unit_price.
    """
    spec = TABLES[table]
    kinds = {name: column.kind for name, column in spec.columns.items()}
    if spec.others:
        kinds |= dict.fromkeys(added, spec.others)
    cells = {
        name: parse_cell(raw, name, kind, formats.get(name), reading)
        for name, kind in kinds.items()
    }
    texts = {f"{name}_text": _unread_text(raw, name, kind, cells[name])
             for name, kind in kinds.items()}  # fmt: skip
    if table == "transactions" and "amount" not in raw.columns:
        cells["amount"] = (cells["quantity"] * cells["unit_price"]).cast(MONEY)
        factors = [_text(raw, name, "money") for name in ("quantity", "unit_price")]
        texts["amount_text"] = factors[0] + " x " + factors[1]
    carried = [name for name in CARRIED if name in raw.columns]
    return raw.select("file", "line", *carried, **cells, **texts)


def _text(raw: ir.Table, name: str, kind: Kind = "text") -> ir.StringValue:
    """The text of a column; empty too where a word stands for no value of its kind."""
    if name not in raw.columns:
        return ibis.null("string")
    if not raw[name].type().is_string():
        return raw[name].cast("string")
    trimmed = raw[name] if name in ids.IDS else numbers.trim(raw[name])  # ids are plain already
    text = trimmed.nullif("")
    if kind in ("text", "yes_no"):
        return text
    is_none = ids.is_nothing(text)
    if kind in ("date", "time"):
        is_day = text.re_search(f"^({'|'.join(sorted(moments.NOTHING))})$")
        is_none |= ibis.ifelse(text.startswith("0"), is_day, False)
    return ibis.ifelse(is_none, ibis.null("string"), text)


def _unread_text(raw: ir.Table, name: str, kind: Kind, value: ir.Value) -> ir.StringValue:
    """The text of a column; of typed cells only where they cannot be read, as it takes long."""
    text = _text(raw, name, kind)
    is_text = name not in raw.columns or raw[name].type().is_string()
    return text if is_text else ibis.ifelse(value.isnull(), text, ibis.null("string"))


def parse_cell(
    raw: ir.Table,
    name: str,
    kind: Kind,
    pattern: str | None = None,
    reading: Reading = Reading(),  # noqa: B008
) -> ir.Value:
    """Read a column, of text or typed, as a kind of value; empty where that fails."""
    if name not in raw.columns:
        return ibis.null(_type(kind))
    whole = raw[name]
    if not whole.type().is_string():
        return _typed(whole, name, kind, reading)
    text = _text(raw, name)
    if kind in NUMERIC:
        return numbers.number(whole, reading.decimal, shares=kind == "number")
    if kind in ("date", "time"):
        how = {"in_sheet": reading.in_sheet, "of_birth": name == "birth_date"}
        moment = moments.moment(whole, pattern, reading.timezone, **how)
        return moment if kind == "time" else moment.date()
    if kind == "yes_no":
        word, empty = text.lower(), ibis.null("boolean")
        return ibis.cases((word.isin(YES), True), (word.isin(NO), False), else_=empty)
    return text


def _type(kind: Kind) -> str:
    types = {"date": "date", "time": "timestamp", "yes_no": "boolean", "text": "string"}
    return MONEY if kind in NUMERIC else types[kind]


def _typed(value: ir.Value, name: str, kind: Kind, reading: Reading) -> ir.Value:
    if kind in NUMERIC:
        return value.try_cast(MONEY)
    moment = moments.typed(value, reading.timezone, of_birth=name == "birth_date")
    return moment if kind == "time" else moment.date()
