"""Settings as frozen dataclasses whose values are checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, dataclass_transform

from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter
from pydantic.dataclasses import dataclass

T = TypeVar("T")


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
