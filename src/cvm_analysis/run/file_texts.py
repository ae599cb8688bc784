"""All texts of a published file, whatever its kind: what a reader could find in it.

Not read are PDF files, which are printed from the pages beside them, and the pixels of pictures.
"""

from __future__ import annotations

import base64
import binascii
import csv
import html
import json
import re
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

PIXELS = ("image/png", "image/jpeg")  # outputs of a notebook
LONGEST = 2**31 - 1  # characters of a cell of a CSV file
LEAST_WHOLE = 10**6  # of a number that may be an id or a phone

EMBEDDED = re.compile(r"data:([\w.+/-]+)(?:;charset=[\w-]+)?;base64,([A-Za-z0-9+/=]+)")
# Coordinates: signs of drawing commands and numbers only.
DRAWN = re.compile(r"\s(?:d|points)=([\"'])[MLHVCSQTAZmlhvcsqtaze0-9\s.,+-]*\1")
CELL = re.compile(r"<c r=\"[A-Z]+\d+\"(?: s=\"\d+\")?(?: t=\"\w+\")?/?>|</?[cv]>")  # of a workbook
INLINE = re.compile(r"</?(?:a|b|em|i|mark|small|span|strong|sub|sup|tspan|u)(?=[\s/>])[^<>]*>")
# No "<" within, nor "<!--": else the search for an end, from each of many starts, takes forever.
TAG = re.compile(r"<!--(?:(?!<!--).)*?-->|<[^<>]*>", re.DOTALL)
QUOTED = re.compile(r"=\s*\"([^\"]*)\"|=\s*'([^']*)'")


class Texts:
    """Texts of the files of one report; an embedded picture is read once."""

    def __init__(self) -> None:
        self._read: set[str] = set()

    def of_file(self, path: Path) -> Iterator[str]:
        """Yield the texts of a file."""
        if path.suffix == ".pdf":
            return
        if path.suffix == ".parquet":
            yield from _table(path)
        elif path.suffix == ".xlsx":
            yield from self._workbook(path)
        elif path.suffix == ".csv":
            csv.field_size_limit(LONGEST)
            with path.open(encoding="utf-8-sig", newline="") as file:
                yield "\n".join({cell for row in csv.reader(file) for cell in row})
        elif path.suffix in (".json", ".ipynb"):
            found = list(_leaves(json.loads(path.read_text("utf-8"))))
            yield from self._marked_up("\n".join(found))
        else:
            yield from self._marked_up(path.read_bytes().decode("utf-8", "replace"))

    def _workbook(self, path: Path) -> Iterator[str]:
        with zipfile.ZipFile(path) as file:
            for name in file.namelist():
                content = CELL.sub("\n", file.read(name).decode("utf-8", "replace"))
                yield from self._marked_up(content)

    def _marked_up(self, text: str) -> Iterator[str]:
        """Yield a text without its tags, their attributes and comments, and embedded texts."""
        if "base64," in text:
            for kind, content in set(EMBEDDED.findall(text)):
                if kind not in PIXELS and content not in self._read:
                    self._read.add(content)
                    yield from self._marked_up(_decode(content))
            text = EMBEDDED.sub(" ", text)
        if "<" not in text:
            yield html.unescape(text) if "&" in text else text
            return
        drawn = DRAWN.sub(" ", text)
        inside = "\n".join(_attributes(set(TAG.findall(drawn))))
        yield html.unescape(TAG.sub("\n", INLINE.sub("", drawn)))
        yield html.unescape(TAG.sub("\n", drawn))  # "<b>a</b><i>b</i>" may be two texts
        yield html.unescape(unquote(inside))


def _attributes(tags: Iterable[str]) -> set[str]:
    comments = {tag for tag in tags if tag.startswith("<!--")}
    pairs = (pair for tag in tags for pair in QUOTED.findall(tag))
    return comments | {one or other for one, other in pairs}


def _decode(content: str) -> str:
    try:
        return base64.b64decode(content).decode("utf-8", "replace")
    except binascii.Error:
        return ""


def _leaves(value: Any) -> Iterator[str]:
    """Yield names, texts and whole numbers of a JSON value; lines of a notebook's cell as one."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        if value and all(isinstance(each, str) for each in value):
            yield "".join(value) if value[0].endswith("\n") else "\n".join(value)
        else:
            for each in value:
                yield from _leaves(each)
    elif isinstance(value, dict):
        for name, each in value.items():
            yield str(name)
            if name not in PIXELS:
                yield from _leaves(each)
    elif isinstance(value, int) and value >= LEAST_WHOLE:
        yield str(value)


def _described(content: bytes) -> Iterator[str]:
    """Yield the texts of one piece of metadata, which may be JSON."""
    text = content.decode("utf-8", "replace")
    try:
        yield from _leaves(json.loads(text))
    except ValueError:
        yield text


def _table(path: Path) -> Iterator[str]:
    """Yield the distinct cells of a Parquet file, its names of columns and its metadata."""
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow.parquet import ParquetFile

    table = ParquetFile(path).read()
    yield "\n".join(table.column_names)
    for name, content in (table.schema.metadata or {}).items():
        yield "\n".join((name.decode("utf-8", "replace"), *_described(content)))
    for column in table.columns:
        kind = column.type
        if pa.types.is_integer(kind):
            large = column.filter(pc.greater_equal(column, LEAST_WHOLE))
            yield "\n".join(map(str, large.unique().to_pylist()))
        elif pa.types.is_floating(kind):
            large = column.filter(pc.greater_equal(column, LEAST_WHOLE)).unique().to_pylist()
            yield "\n".join(str(int(each)) for each in large if float(each).is_integer())
        elif pa.types.is_nested(kind):
            yield "\n".join(_leaves(column.to_pylist()))
        elif not (pa.types.is_temporal(kind) or pa.types.is_boolean(kind)):
            text = column.cast(pa.string()) if not pa.types.is_binary(kind) else column
            yield "\n".join(str(each) for each in text.unique().to_pylist() if each is not None)
