"""Numbers as people write them: `1,234.50`, `1.234,50`, `(12.00)`, `5.00 €`, `１２．５`, `12.00-`.

Point or comma is the decimal sign of a whole source, as its setting `decimal` says; it is never
guessed cell by cell. Without the setting it is the point, unless the cells say otherwise: then it
is asked (`ask_decimal`).
"""

from __future__ import annotations

import functools
import operator
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import ibis
from ibis import ir

from cvm_analysis.errors import InputError

MONEY = "decimal(18, 4)"
SIGNS = "¥￥$€£元"  # of currencies, before or after a number
WIDE = "０１２３４５６７８９．，－＋（）％−–’\u00a0\u2009\u202f\u3000"
PLAIN = "0123456789.,-+()%--'    "
BLANKS = " \t\n\r\v\f"  # as `strip` takes them off
WHOLE, GROUP = r"^[-+]?[1-9]\d{0,2}", r"\d{3}"


@ibis.udf.scalar.builtin
def translate(text: str, of: str, to: str) -> str:
    """Replace each character of `of` by that of `to` (a function of DuckDB)."""
    raise NotImplementedError


def trim(text: ir.StringValue) -> ir.StringValue:
    """Take off blanks at both ends; many times as fast as `strip` where there are none."""
    starts = text < "!"  # the first sign after the blank; as comparing is fastest
    ends = functools.reduce(operator.or_, map(text.endswith, BLANKS))
    return ibis.ifelse(starts | ends, text.strip(), text)


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

    simple = text.re_search(rf"^[-+]?\d+([{point}]\d+)?$")  # nearly all cells, and fast
    odd = let(narrow(text), read_share if shares else read)
    return ibis.ifelse(simple, text.replace(point, ".").try_cast(MONEY), odd)


def _bare(text: ir.StringValue) -> ir.StringValue:
    """Take off currency signs, and write brackets and a minus at the end as a minus in front."""
    bare = text.re_replace(rf"^([-+(]*)\s*[{SIGNS}]\s*", r"\1")
    bare = bare.re_replace(rf"\s*[{SIGNS}]\s*([-)]?)$", r"\1")
    bare = bare.re_replace(r"^\(\s*([^-+()]*?)\s*\)$", r"-\1")
    return bare.re_replace(r"^([^-+]*\d)\s*-$", r"-\1")


def ask_decimal(rows: ir.Table, columns: Collection[str], names: Sequence[str]) -> None:
    """Raise InputError if cells may mean two numbers, and none shows what the decimal sign is.

    rows : staged files, `columns` their texts that are numbers; each file is judged by itself, and
    the first one that is not clear is named, of `names`
    """
    found = [_count_kinds(rows, name) for name in columns]
    for nth, name in enumerate(names):
        _judge([kinds.get(nth, {}) for kinds in found], name)


def _judge(columns: Iterable[Mapping[str, _Cells]], file: str) -> None:
    """Raise InputError if the cells of a file may mean two numbers; of each column by kind."""
    n, like = Counter[str](), dict[str, str]()
    for kinds in columns:
        n_whole, n_unclear = (kinds.get(kind, _NONE).n for kind in ("whole", "unclear"))
        settled = n_whole > n_unclear and "dotted" not in kinds  # 9,450 is whole as the others are
        for kind, cells in kinds.items():
            counted = "unclear" if kind == "dotted" else kind
            if not (kind == "unclear" and settled):
                n[counted] += cells.n
                like.setdefault(counted, cells.like)
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


class _Cells(NamedTuple):
    n: int
    like: str


_NONE = _Cells(0, "")


def _count_kinds(rows: ir.Table, column: str) -> dict[int, dict[str, _Cells]]:
    """Count the cells of a column, by file and by what they show of the decimal sign.

    whole : neither point nor comma; comma, point : that is the decimal sign; unclear, dotted : a
    comma or a point before three digits, which may be either
    """
    text = rows[column].strip()

    def kind(bare: ir.Value) -> ir.Value:
        return ibis.cases(
            (bare.re_search(rf"{WHOLE},{GROUP}$"), "unclear"),
            (bare.re_search(rf"{WHOLE}[.]{GROUP}$"), "dotted"),
            (bare.re_search(_shows(",", ".")), "comma"),
            (bare.re_search(_shows(".", ",")), "point"),
            else_="other",
        )

    kinds = ibis.cases(
        (text.re_search(r"^[-+]?\d+$"), "whole"),
        (text.re_search(r"^[-+]?\d+\.(\d\d?|\d{4,})$"), "point"),  # nearly all cells, and fast
        else_=let(_bare(narrow(text)), kind),
    )
    cells = rows.select("nth", text=text, kind=kinds)
    counted = cells.group_by("nth", "kind").aggregate(n=cells.count(), like=cells.text.min())
    found = defaultdict[int, dict[str, _Cells]](dict)
    for row in counted.to_pandas().itertuples():
        found[row.nth][row.kind] = _Cells(int(row.n), row.like)
    return found


def _shows(point: str, group: str) -> str:
    """The pattern of numbers whose decimal sign can only be `point`."""
    alone = rf"\d*[{point}](\d{{1,2}}|\d{{4,}})|0+[{point}]\d+|\d{{4,}}[{point}]\d+"
    groups = rf"\d{{1,3}}([{group}]{GROUP})+[{point}]\d+|\d{{1,3}}([{group}]{GROUP}){{2,}}"
    return rf"^[-+]?({alone}|{groups})$"
