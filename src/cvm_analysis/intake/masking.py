"""Personal details in texts are masked while the raw records are known.

Masked everywhere: e-mail addresses; runs of seven digits or more (phones, identity and card
numbers), also in full-width and Chinese digits, but no dates; and every value of the customers'
own records that the config names under `mask` (names, phones, e-mails, addresses with or without
the city), whatever its case, width, accents, spaces and punctuation. Raw ids count as values where
customers get pseudonyms. In a customer's own texts parts of their values are masked as well: a
first name, a street.
"""

from __future__ import annotations

import functools
import itertools
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import pandas as pd
from ibis import ir

from cvm_analysis.settings import CustomerSource, Source

MARK = "***"  # in place of a personal detail
TEXTS = ("feedback", "mentions")  # tables whose column text is masked
LEAST_DIGITS = 6  # of a value that is a number and no more, to be masked in all texts
LEAST_STREET = 5  # signs of an address without its city
LEAST_WORD = 3  # letters of a word that is masked in a customer's own texts
PIECE = 4  # signs of a part that is masked there, where words have no spaces

EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
NUMBER = re.compile(r"\+?\d(?:[ ().\-/]{0,2}\d){6,}[xX]?")
DATE = re.compile(
    r"(?:19|20)\d\d([-./])\d{1,2}\1\d{1,2}(?: \d{1,2})?"  # or with the hour
    r"|\d{1,2}([-./])\d{1,2}\2(?:19|20)\d\d"
)
PLACE = re.compile(r"[省市区县旗镇乡,，;；]")  # what ends the name of a place in an address
HOUSE = re.compile(r".*?\d+\s*[号弄栋幢]")
CHINESE, WIDE = "〇零一二三四五六七八九幺", "０１２３４５６７８９＠（）－＋．　—"
SINGLE = str.maketrans(CHINESE + WIDE, "001234567891" + "0123456789@()-+. -")


class Compact(NamedTuple):
    """Letters and digits of a text, folded; and the position of each in the text."""

    signs: str
    at: list[int]


def hidden_columns(source: Source) -> dict[str, str]:
    """Columns of a file with personal details, under names that no table has."""
    if not isinstance(source, CustomerSource):
        return {}
    compared = {f"identifier {label}": header for label, header in source.identifiers.items()}
    masked = [header for header in source.mask if header not in compared.values()]
    return compared | {f"mask {i}": header for i, header in enumerate(masked, 1)}


def as_records(raw_ids: pd.Series) -> pd.DataFrame:
    """Ids that no text may show, as records of their customers: customer_id, value."""
    return pd.DataFrame({"customer_id": raw_ids, "value": raw_ids}, dtype="string")


def collect(personal: list[ir.Table]) -> pd.DataFrame:
    """One row per value that no text may show: customer_id, value.

    personal : tables of customer_id and value, as read
    """
    found = [each.distinct().to_pandas() for each in personal]
    values = pd.concat([as_records(pd.Series(dtype="string")), *found])
    known = values.dropna().astype("string")
    trimmed = known.assign(**{name: column.str.strip() for name, column in known.items()})
    return trimmed[trimmed["value"] != ""].reset_index(drop=True)


Values = dict[str, set[str]]  # the first two signs -> values


def mask_tables(
    con: Any, tables: dict[str, ir.Table], records: pd.DataFrame
) -> dict[str, ir.Table]:
    """Mask the texts of feedback and mentions; other tables stay as they are.

    records : raw customer_id and value, one row per value of a customer's record
    """
    return {
        name: _mask_table(con, name, rows, records) if name in TEXTS else rows
        for name, rows in tables.items()
    }


def _mask_table(con: Any, name: str, rows: ir.Table, records: pd.DataFrame) -> ir.Table:
    known = rows.filter(rows.text.notnull())
    pairs = known.select(owner=known.customer_id.fill_null(""), said=known.text).distinct()
    texts = pairs.order_by("owner", "said").to_pandas()
    texts["masked"] = mask(texts["said"], texts["owner"], records)
    changed = con.create_table(
        f"masked_{name}", texts[texts["masked"] != texts["said"]].astype("string")
    )
    found = rows.mutate(owner=rows.customer_id.fill_null(""))
    joined = found.left_join(changed, ["owner", ("text", "said")])
    hidden = joined.mutate(text=joined.masked.coalesce(joined.text), text_text=joined.masked)
    return hidden.select(*rows.columns)


def mask(texts: pd.Series, owners: pd.Series, records: pd.DataFrame) -> pd.Series:
    """Mask personal details in texts: same index.

    Parameters
    ----------
    texts : no empty ones
    owners : raw customer_id of each text; empty if not known
    records : customer_id, value; one row per value of a customer's record
    """
    signs = [letters(value) for value in records["value"]]
    folded = records.assign(signs=pd.Series(signs, records.index, dtype="string"))
    folded = folded[folded["signs"].str.len() > 1].drop_duplicates()
    streets = {part for value in folded["value"].unique() for part in _streets(value)}
    everywhere = _index(filter(_is_told_apart, {*folded["signs"], *streets}))
    own = {owner: list(part["value"]) for owner, part in folded.groupby("customer_id")}
    found = [
        _cover(text, [*_patterns(text), *_spans(text, everywhere, own.get(owner, []))])
        for text, owner in zip(texts, owners, strict=True)
    ]
    return pd.Series(found, texts.index, dtype=object)


def letters(text: str) -> str:
    """Reduce a text to its letters and digits, without case, width and accents."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", text).casefold()))


def _compact(text: str) -> Compact:
    """Reduce a text as `letters` does, and keep the position of each sign."""
    signs, at = [], []
    for i, sign in enumerate(text):
        for folded in _letters_of_sign(sign):
            signs.append(folded)
            at.append(i)
    return Compact("".join(signs), at)


@functools.lru_cache(maxsize=100_000)
def _letters_of_sign(sign: str) -> str:
    return letters(sign)


def _is_told_apart(signs: str) -> bool:
    """Whether a value is more than a short number, which would mask prices and years."""
    return not signs.isdigit() or len(signs) >= LEAST_DIGITS


def _patterns(text: str) -> Iterator[tuple[int, int]]:
    """Spans of e-mail addresses and long numbers."""
    plain = text.translate(SINGLE)
    yield from (found.span() for found in EMAIL.finditer(plain))
    for found in NUMBER.finditer(plain):
        if not DATE.fullmatch(found[0]):
            yield found.span()


def _spans(text: str, everywhere: Values, own: list[str]) -> Iterator[tuple[int, int]]:
    """Spans of values of any record, and of parts of the values of the own one."""
    folded = _compact(text)
    yield from _find(folded, everywhere)
    if own:
        yield from _find(folded, _index(part for value in own for part in _parts(value)))
        yield from _find(folded, _index(piece for value in own for piece in _pieces(value)), False)


def _parts(value: str) -> Iterator[str]:
    """A value, and the words of it that are masked in the customer's own texts."""
    signs = letters(value)
    yield signs
    words = [letters(word) for word in re.findall(r"\w+", value)]
    spaced = [word for word in words if word and all(map(_has_spaces, word))]
    yield from (a + b for a, b in itertools.pairwise(spaced) if len(a + b) > LEAST_WORD)
    if not any(map(str.isdigit, signs)):
        yield from (word for word in spaced if len(word) >= LEAST_WORD)
    if not any(map(_has_spaces, signs)) and len(signs) == len("王小明"):
        yield signs[1:]  # the given name


def _streets(value: str) -> Iterator[str]:
    """An address without its city, and without what follows the house."""
    cuts = list(PLACE.finditer(value))
    parts = [value[cut.end() :] for cut in cuts] + [value[: cut.start()] for cut in cuts[:1]]
    for part in (value, *parts):
        found = HOUSE.match(part)
        for each in (part, found[0] if found else ""):
            signs = letters(each)
            mixed = any(map(str.isdigit, signs)) and not signs.isdigit()
            if mixed and len(signs) >= LEAST_STREET:
                yield signs


def _pieces(value: str) -> Iterator[str]:
    """Parts of a value in a script without spaces; numbers may go on around them."""
    signs = letters(value)
    pieces = (signs[i : i + PIECE] for i in range(len(signs) - PIECE + 1))
    yield from (piece for piece in pieces if not all(map(_has_spaces, piece)))


def _has_spaces(sign: str) -> bool:
    """Whether words of the sign's script have spaces between them, or it is a digit."""
    return ord(sign) < 0x0E00


def _index(values: Iterable[str]) -> Values:
    found: Values = defaultdict(set)
    for value in values:
        found[value[:2]].add(value)
    return found


def _find(text: Compact, values: Values, whole: bool = True) -> Iterator[tuple[int, int]]:
    """Spans, in the text itself, of the values that stand in it; `whole`: as whole words."""
    for start in range(len(text.signs) - 1):
        for value in values.get(text.signs[start : start + 2], ()):
            end = start + len(value)
            there = text.signs.startswith(value, start)
            if there and not (whole and _is_part(text, start, end)):
                yield text.at[start], text.at[end - 1] + 1


def _is_part(text: Compact, start: int, end: int) -> bool:
    """Whether a word goes on before or after."""
    return _goes_on(text, start - 1) or _goes_on(text, end - 1)


def _goes_on(text: Compact, i: int) -> bool:
    """Whether signs i and i + 1 belong to one word."""
    if i < 0 or i + 1 >= len(text.signs):
        return False
    touching = text.at[i + 1] - text.at[i] <= 1
    return touching and _has_spaces(text.signs[i]) and _has_spaces(text.signs[i + 1])


def _cover(text: str, spans: list[tuple[int, int]]) -> str:
    """Replace the spans, joined where they touch, by the mark."""
    done, parts = 0, list[str]()
    for start, end in sorted(spans):
        if start > done or not parts:
            parts += [text[done:start], MARK]
        done = max(done, end)
    return "".join([*parts, text[done:]])
