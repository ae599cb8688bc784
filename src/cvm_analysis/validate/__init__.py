"""Checks before a run: the meaning of config and rule files, and the headers of raw files.

`settings` checks keys and types. Here the core's own checks see the values, and their messages get
file and line.
"""

from __future__ import annotations

from pathlib import Path

from cvm_analysis.errors import ConfigError
from cvm_analysis.settings import Settings, load
from cvm_analysis.validate import installed, raw_files, rules
from cvm_analysis.validate.hints import warnings
from cvm_analysis.validate.prepared_data import check as check_prepared

__all__ = ["check", "check_prepared", "check_without_files", "warnings"]


def check(config: str | Path) -> Settings:
    """Load and check a config and the headers of its raw files; ConfigError lists all errors."""
    settings = load(config)
    _refuse(*_find_wrong(settings), *raw_files.find_problems(settings))
    return settings


def check_without_files(config: str | Path) -> Settings:
    """As `check` on a machine that has prepared tables, and need not have the raw files."""
    settings = load(config)
    _refuse(*_find_wrong(settings))
    return settings


def _refuse(*problems: str) -> None:
    if problems:
        raise ConfigError("\n".join(problems))


def _find_wrong(settings: Settings) -> list[str]:
    """Find what is wrong with config, rule files and what is installed."""
    return [*rules.find_problems(settings), *installed.find_problems(settings)]
