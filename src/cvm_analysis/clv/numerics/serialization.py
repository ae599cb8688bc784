"""Fitted models as plain JSON: to keep one with a run, or to hand it from a company to its regions.

A model is known by its code, the name of the module that fits it. Numbers come back exactly; one
that is not known (NaN) is null.
"""

import dataclasses
import importlib
import json
from importlib.util import find_spec
from typing import Any, get_origin, get_type_hints

import numpy as np

from cvm_analysis.errors import InputError

VERSION = 1  # of the format; another one is refused


def to_json(model: Any) -> str:
    """A fitted model as text: version, code, and the fields of the model.

    Raises
    ------
    InputError : not a fitted model of this package, or one with an infinite number
    """
    code = type(model).__module__.rpartition(".")[2]
    if _kind(code) is not type(model):
        raise InputError(f"{type(model).__name__} is not a fitted model that can be saved")
    fields = {f.name: _plain(getattr(model, f.name)) for f in dataclasses.fields(model)}
    content = {"version": VERSION, "code": code, "model": fields}
    try:
        return json.dumps(content, allow_nan=False, indent=2, sort_keys=True)
    except ValueError:
        raise InputError(f"{type(model).__name__} holds an infinite number; fit it again") from None


def from_json(text: str) -> Any:
    """The fitted model that `to_json` wrote.

    Raises
    ------
    InputError : no JSON, another version, an unknown code, or fields that are not the model's
    """
    content = _read(text)
    version, code, fields = (content.get(name) for name in ("version", "code", "model"))
    if version != VERSION:
        raise InputError(
            f"a saved model of version {version!r}; this program reads version {VERSION}: "
            "fit the model again"
        )
    kind = _kind(code)
    if kind is None:
        raise InputError(f"a saved model with the unknown code {code!r}; fit the model again")
    hints = get_type_hints(kind)
    try:
        return _made(kind, {f.name: hints[f.name] for f in dataclasses.fields(kind)}, fields)
    except (TypeError, ValueError) as problem:
        raise InputError(
            f"a saved model {code!r} that is not of this program: {problem}; fit the model again"
        ) from None


def _read(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except json.JSONDecodeError as problem:
        raise InputError(f"a saved model that is no JSON: {problem}") from None
    if not isinstance(content, dict):
        raise InputError("a saved model that is no JSON object with version, code and model")
    return content


def _kind(code: Any) -> Any:
    """What `fit` of the module of that name returns, or None."""
    if not (isinstance(code, str) and code.isidentifier()):
        return None
    name = f"{__package__}.{code}"
    if find_spec(name) is None:
        return None
    fit = getattr(importlib.import_module(name), "fit", None)
    kind = get_type_hints(fit).get("return") if fit else None
    return kind if dataclasses.is_dataclass(kind) else None


def _plain(value: Any) -> Any:
    """A field as JSON holds it."""
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if hasattr(value, "_asdict"):
        return {name: _plain(one) for name, one in value._asdict().items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and np.isnan(value) else value


def _made(kind: Any, hints: dict[str, Any], values: Any) -> Any:
    """An object of a kind with these fields, each of the type of its hint."""
    if not (isinstance(values, dict) and values.keys() == hints.keys()):
        raise ValueError(f"{kind.__name__} needs {', '.join(hints)}")
    return kind(**{name: _field(hints[name], value) for name, value in values.items()})


def _field(hint: Any, value: Any) -> Any:
    if get_origin(hint) is np.ndarray:
        return np.array(value, float)
    if hasattr(hint, "_fields"):
        return _made(hint, get_type_hints(hint), value)
    if get_origin(hint) is tuple:
        return tuple(value)
    if hint is float:
        return float("nan") if value is None else float(value)
    if type(value) is not hint:
        raise ValueError(f"{value!r} is not of type {hint.__name__}")
    return value
