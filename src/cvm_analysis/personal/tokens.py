"""What is searched in a text to find a personal value in it: tokens, equal on both sides.

A value and a text are reduced in the same way (case, width, accents, signs between words); the
value is there if one of its tokens is among those of the text. Tokens are e-mail addresses; numbers
of seven digits or more; words with letters and digits, of five signs or more; two to four words
together, or three to six signs of a script without spaces, as names are; and a house number with
its street. Numbers of fewer digits and single words are none: they would be found everywhere.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterator, Sequence

LEAST_DIGITS, LEAST_SIGNS, LEAST_STREET = 7, 5, 7
MOST_WORDS = 4  # that are searched together
NAMES = (3, 4, 5, 6)  # signs of a name in a script without spaces
STREETS = (3, 4)  # ... and of a street before the house number

_UNSPACED = "\u0e00-\u0e7f\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff"
RUN = re.compile(f"[{_UNSPACED}]{{3,}}")
HOUSE = re.compile(f"([{_UNSPACED}]{{3,4}}) ?(\\d+)")  # the last signs of the street
WORD = re.compile(f"[^\\W_{_UNSPACED}]+")
SEGMENT = re.compile(r"[^\n\r\t<>\"{}\[\]|;:=*!?$%#\\^~`，。；：！？、（）]+")  # ends a value
# From the start of a word only: from each of its signs, a long one takes forever.
EMAIL = re.compile(r"(?<![a-z0-9._%+-])[a-z0-9._%+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+")
_START, _END = f"(?<![^\\W_{_UNSPACED}])", f"(?![^\\W_{_UNSPACED}])"  # of a word
# Fractions of a decimal number are none; ten digits and `.0` are a number that was a float.
DIGITS = re.compile(rf"(?<!\d\.){_START}\d{{7,}}{_END}(?!\.\d)|{_START}\d{{10,}}(?=\.0+{_END})")
GROUPED = re.compile(rf"(?<!\d[.,]){_START}\+?\d(?:[ ()\-/]{{0,2}}\d){{6,}}{_END}(?![.,]\d)")
DOTTED = re.compile(rf"(?<!\.){_START}\+?\d{{2,4}}(?:[. ]\d{{2,4}}){{2,}}{_END}(?!\.\d)")
DATE = re.compile(
    r"(?:19|20)\d\d[-/. ]\d{1,2}[-/. ]\d{1,2}(?: \d{1,2})?|\d{1,2}[-/.]\d{1,2}[-/.](?:19|20)\d\d"
)
PHONE = re.compile(r"\+?[\d ()\-/.]+")
ACCENTED = re.compile("[\u00c0-\u024f]")
_PLAIN = {
    code: "".join(c for c in unicodedata.normalize("NFKD", chr(code)) if c.isalnum())
    for code in range(0xC0, 0x250)
}
CHINA = "86"


def find(text: str, searched: set[str] | None = None) -> set[str]:
    """Tokens of a text, in which a personal value may be.

    searched : parts of texts, of lines or cells, that need no search again; those of this one are
        added
    """
    searched = set() if searched is None else searched
    segments = set(SEGMENT.findall(_fold(text))) - searched
    searched |= segments
    plain = "\n".join(segments)
    found = set(_numbers(plain))
    if "@" in plain:
        found.update(EMAIL.findall(plain))
    if not plain.isascii():
        found.update(_runs(plain))
    for segment in segments:
        if segment.isascii() and segment.upper() == segment:  # no letters
            continue
        words = WORD.findall(segment)
        found.update(word for word in words if _is_code(word))
        if len(words) > 1:
            found.update(_together(words))
    return found


def of_value(value: str) -> set[str]:
    """Tokens by which a personal value is searched; none if it is too short for that."""
    if value.isascii() and value.isdigit():  # most ids, and fast
        return _of_number(value)
    plain = _fold(value).strip()
    if "@" in plain:
        return set(EMAIL.findall(plain))
    if PHONE.fullmatch(plain):
        return _of_number("".join(filter(str.isdigit, plain)))
    if RUN.search(plain):
        return _of_unspaced(plain)
    words = WORD.findall(plain)
    if len(words) == 1:
        return set(filter(_is_code, words))
    found = _of_many(words) if len(words) > 2 else set()
    if len(words) <= MOST_WORDS:
        orders = [words, words[::-1]] if len(words) == 2 else [words]
        whole = {"".join(order) for order in orders}
        found |= {each for each in whole if len(each) >= LEAST_SIGNS and not each.isdigit()}
    return found


def whole(value: str) -> set[str]:
    """The token of a value as a whole, such as one name alone; none of a number.

    No text has it: it is compared with whole cells only.
    """
    if value.isdigit():  # most ids, and fast
        return set()
    signs = "".join(filter(str.isalnum, _fold(value)))
    return set() if not signs or signs.isdigit() else {f"={signs}"}


def _fold(text: str) -> str:
    """Reduce case, width and accents."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKC", text).casefold()
    return plain.translate(_PLAIN) if ACCENTED.search(plain) else plain


def _is_code(word: str) -> bool:
    """Whether a word has letters and digits, as ids have."""
    return len(word) >= LEAST_SIGNS and not word.isalpha() and not word.isdigit()


def _together(words: Sequence[str]) -> Iterator[str]:
    """Two to four words one after the other, not all of them numbers."""
    for n in range(2, MOST_WORDS + 1):
        for some in zip(*(words[i:] for i in range(n)), strict=False):
            token = "".join(some)
            if len(token) >= LEAST_SIGNS and not token.isdigit():
                yield token


def _numbers(plain: str) -> Iterator[str]:
    """Digits of the long numbers of a text that are no dates."""
    yield from DIGITS.findall(plain)
    for pattern in (GROUPED, DOTTED):
        for number in pattern.findall(plain):
            if not DATE.fullmatch(number):
                yield "".join(filter(str.isdigit, number))


def _runs(plain: str) -> Iterator[str]:
    """Signs of scripts without spaces that may be a name, or a street with its house number."""
    for run in set(RUN.findall(plain)):
        for n in NAMES:
            yield from (run[i : i + n] for i in range(len(run) - n + 1))
    for street, house in set(HOUSE.findall(plain)):
        yield from (street[-n:] + house for n in STREETS)


def _of_number(digits: str) -> set[str]:
    """A phone or an id; a Chinese mobile number also with its country code."""
    if len(digits) < LEAST_DIGITS:
        return set()
    if len(digits) == len("13800138000") and digits[0] == "1":
        return {digits, CHINA + digits}
    if len(digits) == len("8613800138000") and digits.startswith(CHINA):
        return {digits, digits.removeprefix(CHINA)}
    return {digits}


def _of_unspaced(plain: str) -> set[str]:
    """A name by its first signs, an address by street and house number."""
    houses = HOUSE.findall(plain)
    if houses:
        return {street[-n:] + house for street, house in houses[:1] for n in STREETS}
    return {run[: max(NAMES)] for run in RUN.findall(plain)[:1]}


def _of_many(words: Sequence[str]) -> set[str]:
    """An address by its numbers with the words beside them; a long name by its first words."""
    if not any(map(str.isdigit, words)):
        return {"".join(words[:MOST_WORDS])}
    pairs = {
        a + b
        for a, b in itertools.pairwise(words)
        for word, number in ((a, b), (b, a))
        if number.isdigit() and word.isalpha() and len(word) >= LEAST_STREET
    }
    threes = {
        "".join(some)
        for some in zip(words, words[1:], words[2:], strict=False)
        if sum(map(str.isdigit, some)) == 1 and sum(map(str.isalpha, some)) == 2
    }
    return pairs | threes
