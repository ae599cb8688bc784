"""Limits of the raw files as a whole: when `prepare` warns, and when it stops."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from cvm_analysis.typed import read_off

Reaction = Annotated[Literal["off", "warn", "stop"], BeforeValidator(read_off)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AtMost(_Frozen):
    """A value above `warn` is reported, one above `stop` stops `prepare`."""

    warn: float | None = Field(None, ge=0)
    stop: float | None = Field(None, ge=0)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if None not in (self.warn, self.stop) and self.warn > self.stop:  # type: ignore[operator]
            raise ValueError("warn is above stop: it would never be reported")
        return self

    def judge(self, value: float) -> Reaction:
        """What a value calls for."""
        if self.stop is not None and value > self.stop:
            return "stop"
        return "warn" if self.warn is not None and value > self.warn else "off"


class Gates(_Frozen):
    """Limits of the raw files as a whole."""

    freshness_days: AtMost = AtMost()  # from the last row of sales, or contracts, to extracted_on
    rows_change: AtMost = AtMost()  # of a table against the median of earlier prepares; 0.5 is half
    nulls: dict[str, dict[str, AtMost]] = {}  # source -> column -> share of accepted rows
    headers: Reaction = "warn"  # a file has other headers than at the last prepare
    same_file: Reaction = "warn"  # two files with the same content
