"""The content of a YAML file, and the line of each setting."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from cvm_analysis.errors import ConfigError

Lines = Mapping[tuple[str, ...], int]


class _Loader(yaml.CSafeLoader):
    """YAML whose dates stay text, so that an invalid one is reported with its line.

    So do `on`, which is a setting, and `off`; as the value of a switch they mean the same as text.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [each for each in resolvers if each[0] != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
        if first != "o"
    }


def parse(path: Path) -> tuple[Any, dict[tuple[str, ...], int]]:
    """Read a YAML file: its content with `${NAME}` replaced, and the line of each setting.

    ConfigError: no such file, not UTF-8, not YAML, a repeated setting, a variable that is not set.
    """
    if not path.is_file():
        raise ConfigError(f"{path}: no such file")
    try:
        content, lines = _parse(path, path.read_text("utf-8"))
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 (byte {error.start:,}); save it as UTF-8") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{path}{place}: not YAML: {getattr(error, 'problem', error)}") from None
    return _with_environment(path, content, (), lines), dict(lines)


@lru_cache(maxsize=8)  # the notebooks of a region read the same files
def _parse(path: Path, text: str) -> tuple[Any, dict[tuple[str, ...], int]]:
    loader = _Loader(text)  # parses it once, for lines and content
    root = loader.get_single_node()
    lines: dict[tuple[str, ...], int] = {}
    _note_lines(path, root, (), lines)
    return None if root is None else loader.construct_document(root), lines


def _note_lines(path: Path, node: Any, at: tuple[str, ...], lines: dict[Any, int]) -> None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*at, str(key.value))
            if here in lines:
                raise ConfigError(
                    f"{path} line {key.start_mark.line + 1}: '{key.value}' is already set on "
                    f"line {lines[here]}; keep one"
                )
            lines[here] = key.start_mark.line + 1
            _note_lines(path, value, here, lines)
    elif isinstance(node, yaml.SequenceNode):
        for i, value in enumerate(node.value):
            lines[*at, str(i)] = value.start_mark.line + 1
            _note_lines(path, value, (*at, str(i)), lines)


def _with_environment(path: Path, value: Any, at: tuple[str, ...], lines: dict[Any, int]) -> Any:
    if isinstance(value, dict):
        return {k: _with_environment(path, v, (*at, str(k)), lines) for k, v in value.items()}
    if isinstance(value, list):
        return [_with_environment(path, v, (*at, str(i)), lines) for i, v in enumerate(value)]
    if not isinstance(value, str):
        return value

    if has_password(value):
        raise ConfigError(
            f"{where(path, lines, at)}: a password is written out; leave it out of the URL, and "
            "set it in the environment (PGPASSWORD, or user:${NAME}@host)"
        )

    def replace(found: re.Match[str]) -> str:
        text = os.environ.get(found["name"]) or found["fallback"]
        if text is None:
            raise ConfigError(
                f"{where(path, lines, at)}: the environment variable {found['name']} is not set; "
                f"set it, or write ${{{found['name']}:-a fallback}}"
            )
        return text

    return re.sub(r"\$\{(?P<name>\w+)(:-(?P<fallback>[^}]*))?\}", replace, value)


def has_password(text: str) -> bool:
    """Whether a URL has a password that is written out, not taken from the environment."""
    found = re.match(r"\w[\w+.-]*://[^/\s:]*:(?P<password>.*)@", text)
    return found is not None and not re.fullmatch(r"\$\{\w+\}", found["password"])


def line(lines: Lines, keys: Iterable[Any]) -> int:
    """Line of the deepest of `keys` in the file, 0 if none is there."""
    at: tuple[str, ...] = ()
    for key in keys:
        if (*at, str(key)) in lines:
            at = (*at, str(key))
    return lines.get(at, 0)


def where(path: Path, lines: Lines, keys: Iterable[Any]) -> str:
    """Place of the deepest of `keys` in the file: `config/mine.yaml line 14`."""
    at = line(lines, keys)
    return f"{path} line {at}" if at else str(path)
