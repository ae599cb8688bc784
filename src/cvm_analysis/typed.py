"""Settings as frozen dataclasses whose values are checked, and words that YAML reads otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar, dataclass_transform

from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter
from pydantic.dataclasses import dataclass

T = TypeVar("T")


def _refuse_yes(given: Any) -> Any:
    """YAML reads Yes, No, on and off as true and false; the text in the file is lost."""
    if isinstance(given, bool):
        raise ValueError("write Yes, No, True, False, On and Off in quotes")
    return str(given) if isinstance(given, int | float) else given


def read_off(given: Any) -> Any:
    """YAML reads off as false."""
    return "off" if given is False else given


Cell = Annotated[str, BeforeValidator(_refuse_yes)]  # a word of a file


@dataclass_transform(frozen_default=True, field_specifiers=(Field,))
def settings(cls: type[T]) -> type[T]:
    """Make a class a frozen dataclass that checks its values and rejects unknown names."""
    make: Any = dataclass(frozen=True, config=ConfigDict(extra="forbid"))
    return make(cls)


def by_code(kind: type[Any]) -> BeforeValidator:
    """Read `spend: {...}, payment: {...}` as a tuple of `kind`, with the key as its code."""

    def read(given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        written = TypeAdapter(dict[str, kind])  # type: ignore[valid-type]
        return tuple(written.validate_python(add_keys(given, "code")).values())

    return BeforeValidator(read)


def add_keys(given: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Add to each inner mapping its key, as `name`."""
    return {
        key: {**below, name: key} if isinstance(below, Mapping) else below
        for key, below in given.items()
    }
