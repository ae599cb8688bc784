"""The encoding of a file of text, strictly: by mark, by zero bytes, as UTF-8, else as GB18030.

GB18030 (which includes GBK and GB 2312) decodes nearly any bytes. In Chinese text nearly all
characters are common ones (level 1 of GB 2312, kana and punctuation); accented letters of Western
files, Cyrillic or Big5 become rare ones. Korean syllables become common ones of the first half
alone. Where too many are rare, or all of that half, the encoding is asked.
"""

from __future__ import annotations

import codecs
import itertools
import re
from pathlib import Path
from typing import NamedTuple

from cvm_analysis.errors import InputError
from cvm_analysis.sources.compressed import OTHERWISE, open_bytes

START = 1 << 16  # bytes to detect the layout from
COMMON = 0.7  # share of common characters in Chinese text, at least
SAMPLE = 100_000  # characters beyond ASCII that are judged
ZEROS = 0.2  # share of zero bytes that only UTF-16 has
WESTERN, KOREAN = "cp1252", "cp949"
LAST_KOREAN = 0xC8  # first byte of syllables; of Chinese characters half have a higher one
MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


class UnclearEncodingError(InputError):
    """A file whose encoding must be stated; `likely` is a guess at it."""

    def __init__(self, text: str, likely: str) -> None:
        super().__init__(text)
        self.likely = likely


class _Failure(NamedTuple):
    text: str
    at_end: bool = False  # in the last character
    is_korean: bool = False


def find(path: Path, stated: str | None = None, n_bytes: int | None = None) -> str:
    """Name the encoding of a file, judged by all of it or its first `n_bytes`.

    Raises
    ------
    UnclearEncodingError : neither UTF-8 nor likely Chinese
    InputError : an empty file, no text, a file cut within a character, bytes that do not fit the
        stated encoding or the mark
    """
    with open_bytes(path) as file:
        start = file.read(START)
    if not start.strip():
        raise InputError(f"{path}: an empty file")
    for beginning, what in OTHERWISE.items():
        if start.startswith(beginning):
            raise InputError(f"{path}: by its content {what}")
    certain = _certain(start, stated)
    failures, is_korean = [], False
    for name in [certain] if certain else ["utf-8", "gb18030"]:
        failure = _first_undecodable(path, name, n_bytes, judge=not certain)
        if failure is None:
            return name
        if failure.at_end:
            raise InputError(f"{path}: cut off, {failure.text}; copy or export it again")
        failures.append(f"as {name}: {failure.text}")
        is_korean |= failure.is_korean
    said = f"{path}: cannot be decoded, {'; '.join(failures)}; set its encoding in the config "
    if certain:
        raise InputError(f"{said}(encoding: ...), or export it again as UTF-8")
    likely, kind = (KOREAN, "Korean") if is_korean else (WESTERN, "Western European")
    raise UnclearEncodingError(
        f"{said}(encoding: {likely} if it is {kind}), or export it again as UTF-8", likely
    )


def _certain(start: bytes, stated: str | None) -> str | None:
    """The stated encoding, or that of the mark or the zero bytes."""
    marked = next((name for mark, name in MARKS.items() if start.startswith(mark)), None)
    odd, even = start[1::2].count(0), start[::2].count(0)
    order = "utf-16-be" if even > odd else "utf-16-le"
    if stated and re.sub("[^a-z0-9]", "", stated.lower()) == "utf16" and marked != "utf-16":
        return order
    if stated or marked:
        return stated or marked
    return order if max(odd, even) > ZEROS * len(start) else None


def _first_undecodable(
    path: Path, encoding: str, n_bytes: int | None, *, judge: bool
) -> _Failure | None:
    try:
        decode = codecs.getincrementaldecoder(encoding)(errors="strict").decode
        decode(b"")
    except (LookupError, TypeError, AttributeError):
        return _Failure("no such encoding")
    line, beyond, lax = 1, "", encoding == "gb18030"
    with open_bytes(path) as file:
        whole = itertools.chain(iter(lambda: file.read(1 << 20), b""), [b""])
        if n_bytes is not None:
            begin, more = file.read(n_bytes), bool(file.read(1))
            whole = itertools.chain([begin], [] if more else [b""])
        for block in whole:
            try:
                text = decode(block, final=not block)
            except UnicodeError as error:
                return _describe(error, line, at_end=not block and not lax)
            line += text.count("\n")
            if lax and judge and len(beyond) < SAMPLE:
                beyond += "".join(re.findall("[^\x00-\x7f]+", text))[:SAMPLE]
    if beyond and (share := _share_common(beyond)) < COMMON:
        return _Failure(f"only {share:.0%} of {len(beyond):,} characters would be common Chinese")
    if _looks_korean(beyond):
        return _Failure("all characters have bytes that Korean syllables have", is_korean=True)
    return None


def _looks_korean(text: str) -> bool:
    """Whether ten characters or more are all of the half that Korean syllables are read as."""
    first = [character.encode("gb2312", "ignore")[:1] for character in set(text)]
    used = [byte[0] for byte in first if byte and byte[0] >= 0xB0]
    return len(used) >= 10 and max(used) <= LAST_KOREAN


def _describe(error: UnicodeError, line: int, *, at_end: bool) -> _Failure:
    if not isinstance(error, UnicodeDecodeError):
        return _Failure(str(error))
    line += error.object[: error.start].count(b"\n")
    bad = error.object[error.start : error.start + 2].hex(" ")
    if at_end:
        return _Failure(f"line {line:,} ends within a character (bytes {bad})", at_end=True)
    return _Failure(f"bytes {bad} near line {line:,}")


def _share_common(text: str) -> float:
    """Share of the characters beyond ASCII that are common in Chinese text."""
    common = 0
    for character in text:
        pair = character.encode("gb2312", "ignore")
        common += bool(pair) and (pair[0] <= 0xA9 or 0xB0 <= pair[0] <= 0xD7)
    return common / len(text)
