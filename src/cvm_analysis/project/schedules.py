"""The schedules of a company's folder: a crontab line, units of systemd, a DAG of Airflow.

Each is a template; the folder's paths are written as its own syntax needs them.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import re
import shlex
import sys
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from string import Template

UNITS = {  # template -> how the unit's name ends
    "cvm.service": ".service",
    "cvm.timer": ".timer",
    "cvm-failed.service": "-failed.service",
}


def fill(folder: Path) -> dict[str, str]:
    """Fill in the schedules of a folder, given by its absolute path: path within it -> text."""
    program, unit = str(Path(sys.executable).with_name("cvm")), unit_name(folder)
    named = {"name": folder.name, "unit": unit, "user": getpass.getuser()}
    paths = {"folder": str(folder), "cvm": program}
    in_crontab = {key: _for_crontab(path) for key, path in paths.items()}
    in_python = {key: _for_python(value) for key, value in {**named, **paths}.items()}
    in_units = {key: _for_unit(value) for key, value in {**named, "folder": str(folder)}.items()}
    in_units |= {"folder_word": _word(str(folder)), "cvm_word": _word(program).replace("$", "$$")}
    return {
        "schedules/schedule.cron": _text("schedule.cron", in_crontab),
        "schedules/airflow_dag.py": _text("airflow_dag.py", in_python),
        **{
            f"schedules/systemd/{unit}{end}": _text(f"systemd/{template}", in_units)
            for template, end in UNITS.items()
        },
    }


def unit_name(folder: Path) -> str:
    """Name the units and the DAG of a folder: `cvm-` and its name, in the letters allowed there.

    If it has none of them, a digest of its path stands for it.
    """
    letters = re.sub("[^a-z0-9]+", "-", folder.name.lower()).strip("-")
    return f"cvm-{letters or hashlib.sha256(bytes(folder)).hexdigest()[:8]}"


def _text(name: str, values: Mapping[str, str]) -> str:
    path = files("cvm_analysis.project").joinpath("templates", "schedules", name)
    return Template(path.read_text("utf-8")).substitute(values)


def _for_crontab(path: str) -> str:
    """Quote for the shell; cron reads a percent sign as a line break, unless it is escaped."""
    return shlex.quote(path).replace("%", r"\%")


def _for_python(text: str) -> str:
    """Escape for a string in double quotes."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _for_unit(text: str) -> str:
    """Escape for the rest of a line; a percent sign would begin a specifier."""
    return text.replace("%", "%%")


def _word(path: str) -> str:
    """Quote for a line of several words."""
    return f'"{_for_unit(_for_python(path))}"'
