"""A CRM as its YAML file describes it: files, headers and formats of its import.

`systems/<name>.yaml` are those that come with the package; any other file of this form will do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from pydantic import Field

from cvm_analysis.crm.fields import FIELDS, KEYS
from cvm_analysis.errors import ConfigError, InputError, nearest
from cvm_analysis.settings.lines import Lines, where
from cvm_analysis.settings.load import read
from cvm_analysis.settings.shape import Strict
from cvm_analysis.typed import Cell

FOLDER = Path(__file__).parent / "systems"


class Module(Strict):
    """The records of a kind as a module of the CRM imports them.

    file : name of the file, as the module is called; fields : ours -> the header
    constants : header -> the cell of each row
    """

    file: str = Field(min_length=1)
    fields: Mapping[str, str]
    constants: Mapping[str, str] = {}


class _Content(Strict):
    """The content of a system's file.

    language : of the words; empty: that of the reports
    rows : of a file at most; 0: no limit
    dates : a pattern of strftime; tags : what stands between them
    not_allowed : signs that the import refuses, each replaced by a space
    values : field -> our word or code -> what stands for it in the CRM
    """

    name: str
    language: Literal["en", "zh"] | None = None
    format: Literal["csv", "xlsx"] = "csv"
    rows: int = Field(0, ge=0)
    dates: str = "%Y-%m-%d"
    tags: str = ","
    not_allowed: str = ""
    values: Mapping[str, Mapping[Cell, str]] = {}
    customers: Module | None = None
    tasks: Module | None = None
    lists: Module | None = None
    members: Module | None = None


@dataclass(frozen=True)
class System:
    """A CRM: its content, and its key, which names the folder of its exports."""

    key: str
    path: Path
    content: _Content

    @property
    def modules(self) -> dict[str, Module]:
        """The kinds of records that it takes."""
        given = {kind: getattr(self.content, kind) for kind in FIELDS}
        return {kind: module for kind, module in given.items() if module}


def load(to: str) -> System:
    """Load a system by its name, or from a YAML file.

    Raises
    ------
    InputError : no system of this name, and no such file
    ConfigError : lists all errors of the file, with their line
    """
    path = Path(to) if to.endswith((".yaml", ".yml")) else FOLDER / f"{to}.yaml"
    if not path.is_file():
        known = [each.stem for each in FOLDER.glob("*.yaml")]
        raise InputError(f"no system '{to}'{nearest(to, known)}; or give a YAML file of your own")
    lines: dict[Path, dict[tuple[str, ...], int]] = {}
    system = System(path.stem, path, read(path, _Content, lines))
    if problems := [*_find_problems(system, lines[path])]:
        raise ConfigError("\n".join(problems))
    return system


def names() -> list[str]:
    """Name the systems that come with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def _find_problems(system: System, lines: Lines) -> Iterator[str]:
    """Find fields that are not exported, keys that are not mapped, and headers that stand twice."""
    place = partial(where, system.path, lines)
    if not system.modules:
        yield f"{place(['name'])}: maps nothing; add {', '.join(FIELDS)} or some of them"
    for kind, module in system.modules.items():
        known = FIELDS[kind]
        for field in module.fields:
            if field not in known:
                unknown = f"{kind} have no field '{field}'{nearest(field, known)}"
                yield f"{place([kind, 'fields', field])}: {unknown}"
        for field in KEYS[kind]:
            if field not in module.fields:
                yield f"{place([kind, 'fields'])}: {field} is not mapped"
        headers = [*module.fields.values(), *module.constants]
        for header in sorted({each for each in headers if headers.count(each) > 1}):
            yield f"{place([kind, 'fields'])}: '{header}' stands twice; keep one"
    exported = {field for kind in FIELDS.values() for field in kind}
    for field in system.content.values:
        if field not in exported:
            yield f"{place(['values', field])}: no field '{field}'{nearest(field, exported)}"
