"""The files of a company's folder as this version of the package ships them.

`notebooks/` and `config/` beside this module are those of the project; an installed package has
copies of them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path

RULE_FILES = ("segments", "scorecards", "strategies")
ASSUMED = (
    "# assumption: please check every weight, cost, effect and threshold below: they are those of\n"
    "# an invented flooring company. Remove these two lines when they are yours.\n"
)
DEFAULTS = {  # of the parameters of notebooks opened by hand: the sample's, and a company's
    '"config = \\"../config/sample.yaml\\"': '"config = \\"../config/mine.yaml\\"',
    '"region = \\"east\\"': '"region = \\"all\\"',
}


@cache
def read() -> Mapping[str, str]:
    """Read all shipped files: path in the company's folder -> text."""
    package = files("cvm_analysis.project")
    notebooks = sorted(
        each.name for each in (package / "notebooks").iterdir() if each.name.endswith(".ipynb")
    )
    found = {f"notebooks/{name}": _notebook(name) for name in notebooks}
    for name in RULE_FILES:
        text = (package / "config" / f"{name}.yaml").read_text("utf-8")
        found[f"config/{name}.yaml"] = ASSUMED + text
    return found


def _notebook(name: str) -> str:
    text = (files("cvm_analysis.project") / "notebooks" / name).read_text("utf-8")
    for sample, own in DEFAULTS.items():
        text = text.replace(sample, own)
    return text


def digest(name: str, text: str) -> str:
    """Digest a file: of a notebook only its cells, so that running it changes nothing."""
    content = "".join(lines(name, text)) if name.endswith(".ipynb") else text
    return hashlib.sha256(content.encode()).hexdigest()


def lines(name: str, text: str) -> list[str]:
    """Give the lines of a file that a reader compares: of a notebook those of its cells.

    A notebook that cannot be read is compared as it is.
    """
    if not name.endswith(".ipynb"):
        return text.splitlines(keepends=True)
    try:
        cells = json.loads(text)["cells"]
        found = [(each["cell_type"], "".join(each["source"])) for each in cells]
    except (ValueError, KeyError, TypeError):
        return text.splitlines(keepends=True)
    return [row for kind, source in found for row in (f"# %% {kind}\n", *_whole(source))]


def _whole(source: str) -> list[str]:
    return [f"{row}\n" for row in source.splitlines()]


def is_assumed(path: Path) -> bool:
    """Whether a rule file has the values of the invented company, or says so in its first line."""
    text = path.read_text("utf-8", errors="replace")
    own = read().get(f"config/{path.name}", "").removeprefix(ASSUMED)
    return text.startswith("# assumption:") or text == own
