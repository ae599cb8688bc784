"""Numbers as people write them: `1,234.50`, `1.234,50`, `(12.00)`, `5.00 €`, `１２．５`, `12.00-`.

Point or comma is the decimal sign of a whole source, as its setting `decimal` says; it is never
guessed cell by cell. Without the setting it is the point, unless the cells say otherwise: then it
is asked (`ask_decimal`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import ibis
from ibis import ir

from cvm_analysis.errors import InputError

MONEY = "decimal(18, 4)"
SIGNS = "¥￥$€£元"  # of currencies, before or after a number
WIDE = "０１２３４５６７８９．，－＋（）％−–’\u00a0\u2009\u202f\u3000"
PLAIN = "0123456789.,-+()%--'    "
WHOLE, GROUP = r"^[-+]?[1-9]\d{0,2}", r"\d{3}"


@ibis.udf.scalar.builtin
def translate(text: str, of: str, to: str) -> str:
    """Replace each character of `of` by that of `to` (a function of DuckDB)."""
    raise NotImplementedError


def narrow(text: ir.StringValue) -> ir.StringValue:
    """Write full-width digits and signs, and odd blanks, as plain ones."""
    return translate(text, WIDE, PLAIN).strip()


def let(value: ir.Value, then: Callable[[ir.Value], ir.Value]) -> ir.Value:
    """Compute a value once and use it several times: SQL repeats an expression at each use."""
    return ibis.array([value]).map(then)[0]


def number(text: ir.StringValue, decimal: str | None = None, *, shares: bool = False) -> ir.Value:
    """Read numbers, with `shares` also percentages (35% is 0.35); empty where that fails."""
    point, group = (",", ".") if decimal == "comma" else (".", ",")
    grouped = rf"^[-+]?\d{{1,3}}(([{group}]{GROUP})+|([ ']{GROUP})+)([{point}]\d*)?$"
    single = rf"^[-+]?(\d+[{point}]?\d*|[{point}]\d+)([eE][-+]?\d+)?$"

    def joined(bare: ir.Value) -> ir.Value:
        is_grouped = bare.re_search(grouped)
        return ibis.ifelse(is_grouped, bare.re_replace(rf"[{group} ']", ""), bare)

    def cast(whole: ir.Value) -> ir.Value:
        is_single = whole.re_search(single)
        return ibis.ifelse(is_single, whole.replace(point, "."), ibis.null("string"))

    def read(plain: ir.Value) -> ir.Value:
        return let(let(_bare(plain), joined), cast).try_cast(MONEY)

    def read_share(plain: ir.Value) -> ir.Value:
        amount = read(plain.re_replace(r"\s*%$", ""))
        return ibis.ifelse(plain.endswith("%"), (amount / 100).cast(MONEY), amount)

    return let(narrow(text), read_share if shares else read)


def _bare(text: ir.StringValue) -> ir.StringValue:
    """Take off currency signs, and write brackets and a minus at the end as a minus in front."""
    bare = text.re_replace(rf"^([-+(]*)\s*[{SIGNS}]\s*", r"\1")
    bare = bare.re_replace(rf"\s*[{SIGNS}]\s*([-)]?)$", r"\1")
    bare = bare.re_replace(r"^\(\s*([^-+()]*?)\s*\)$", r"-\1")
    return bare.re_replace(r"^([^-+]*\d)\s*-$", r"-\1")


def ask_decimal(rows: ir.Table, columns: Collection[str], file: str) -> None:
    """Raise InputError if cells may mean two numbers, and none shows what the decimal sign is.

    rows : a staged file, `columns` its texts that are numbers
    """
    if not columns:
        return
    bare = rows.select(**{f"c{i}": _bare(narrow(rows[name])) for i, name in enumerate(columns)})
    cells = [bare[name] for name in bare.columns]
    kinds = {
        "unclear": rf"{WHOLE}[.,]{GROUP}$",
        "dotted": rf"{WHOLE}[.]{GROUP}$",
        "whole": r"^[-+]?\d+$",
        "comma": _shows(",", "."),
        "point": _shows(".", ","),
    }
    sums, examples = dict[str, ir.Value](), dict[str, ir.Value]()
    for name, cell in zip(bare.columns, cells, strict=True):
        for kind, pattern in kinds.items():
            is_kind = cell.re_search(pattern).fill_null(False)
            sums[f"{name} {kind}"] = is_kind.sum().fill_null(0)
            examples[f"{name} {kind} like"] = cell.min(where=is_kind)
    found = bare.aggregate(**sums, **examples).to_pandas().iloc[0]
    asked = [name for name in bare.columns if not _is_grouped(found, name)]
    n = {kind: sum(int(found[f"{name} {kind}"]) for name in bare.columns) for kind in kinds}
    n["unclear"] = sum(int(found[f"{name} unclear"]) for name in asked)
    like = {
        kind: next((found[f"{c} {kind} like"] for c in names if found[f"{c} {kind}"]), "")
        for kind, names in {"unclear": asked, "comma": bare.columns}.items()
    }
    if n["comma"] and not n["point"]:
        raise InputError(
            f"{file}: {n['comma']:,} numbers have a decimal comma, such as {like['comma']}; "
            "set `decimal: comma` on the source"
        )
    if n["unclear"] and (n["comma"] or not n["point"]):
        shown = like["unclear"]
        whole, part = shown.replace(",", "."), shown.replace(",", "").replace(".", "")
        first, second = (part, whole) if "," in shown else (whole, part)
        raise InputError(
            f"{file}: {n['unclear']:,} numbers may mean two things, such as {shown}: set "
            f"`decimal: point` on the source if that is {first}, or `decimal: comma` if it is "
            f"{second}"
        )


def _is_grouped(found: Any, column: str) -> bool:
    """Whether cells like 9,450 stand in a column of whole numbers, so that they are whole, too."""
    n_unclear, n_whole = found[f"{column} unclear"], found[f"{column} whole"]
    return bool(n_whole > n_unclear and not found[f"{column} dotted"])


def _shows(point: str, group: str) -> str:
    """The pattern of numbers whose decimal sign can only be `point`."""
    alone = rf"\d*[{point}](\d{{1,2}}|\d{{4,}})|0+[{point}]\d+|\d{{4,}}[{point}]\d+"
    groups = rf"\d{{1,3}}([{group}]{GROUP})+[{point}]\d+|\d{{1,3}}([{group}]{GROUP}){{2,}}"
    return rf"^[-+]?({alone}|{groups})$"
