"""Personal values planted everywhere in the files of a report, each in a copy of the file."""

import base64
import csv
import itertools
import json
import re
import zipfile

import pandas as pd

PIXELS = ("image/png", "image/jpeg")
EMBEDDED = re.compile(r"(data:image/svg\+xml;base64,)([A-Za-z0-9+/=]+)")
TEXT = re.compile(r">([^<>{}]+)<")  # between two tags, but no style
ATTRIBUTE = re.compile(r'(\s(?:alt|title|href|id|aria-label)=")([^"]*)(")')
INLINE = re.compile(r"(<t(?: [^>]*)?>)([^<]*)(</t>)")  # a text of a workbook


class Values:
    """Long numbers, no two alike, and how many have been planted."""

    def __init__(self):
        self.planted = []

    def __call__(self):
        self.planted.append(f"7390{len(self.planted):08d}")
        return self.planted[-1]


def plant(path, to, values):
    """Write a copy of a file with a new value in each place; False if its kind has none."""
    kinds = {".parquet": _table, ".csv": _lines, ".xlsx": _workbook, ".html": _page}
    kinds |= dict.fromkeys((".json", ".ipynb"), _json)
    if path.suffix not in kinds:
        return False
    kinds[path.suffix](path, to, values)
    return True


def _table(path, to, values):
    """Each column gets a row of its own, whatever its kind."""
    table = pd.read_parquet(path).astype(object)
    rows = [pd.DataFrame({column: [values()]}, dtype=object) for column in table]
    every = pd.concat([table, *rows], ignore_index=True).astype("string")
    every.to_parquet(to)


def _lines(path, to, values):
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    rows += [[values() if i == j else "" for i in range(len(rows[0]))] for j in range(len(rows[0]))]
    with to.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(rows)


def _workbook(path, to, values):
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(to, "w") as new:
        for name in old.namelist():
            text = old.read(name).decode()
            new.writestr(name, INLINE.sub(lambda m: f"{m[1]}{m[2]} {values()}{m[3]}", text))


def _json(path, to, values):
    """Every text of a notebook or a manifest, names and pixels excepted."""
    to.write_text(json.dumps(_leaves(json.loads(path.read_text("utf-8")), values)), "utf-8")


def _leaves(value, values):
    if isinstance(value, str):
        marked = "<" in value
        return _mark_up(value, values) if marked else f"{value} {values()}"
    if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
        return _leaves("".join(value), values)
    if isinstance(value, list):
        return [_leaves(each, values) for each in value]
    if isinstance(value, dict):
        return {k: each if k in PIXELS else _leaves(each, values) for k, each in value.items()}
    return value


def _page(path, to, values):
    to.write_text(_mark_up(path.read_text("utf-8"), values), "utf-8")


def _mark_up(text, values):
    """Texts between tags, attributes, and the texts inside embedded drawings."""
    styles = re.split(r"(<style.*?</style>)", text, flags=re.DOTALL)
    return "".join(
        part if part.startswith("<style") else _outside_styles(part, values) for part in styles
    )


def _outside_styles(text, values):
    def embedded(found):
        drawn = base64.b64decode(found[2]).decode()
        again = _mark_up(drawn, values)
        return found[1] + base64.b64encode(again.encode()).decode()

    pieces = re.split(EMBEDDED.pattern, text)
    said, drawings = pieces[::3], zip(pieces[1::3], pieces[2::3], strict=True)
    parts = []
    for part, drawing in itertools.zip_longest(said, drawings):
        part = TEXT.sub(lambda m: f">{m[1]} {values()}<" if m[1].strip() else m[0], part)
        parts.append(ATTRIBUTE.sub(lambda m: f"{m[1]}{m[2]} {values()}{m[3]}", part))
        if drawing is not None:
            parts.append(EMBEDDED.sub(embedded, "".join(drawing)))
    return "".join(parts)
