"""Codes to words in a language, and numbers, money and dates as that language writes them.

Every word a manager reads on a page or figure stands in `<language>.yaml` beside this file, under a
dotted key: `words("en")("segments.champions")`. Numbers, money and dates are formatted by Babel.
"""

import difflib
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from importlib import resources
from typing import Any

import babel
import pandas as pd
import yaml
from babel import dates, numbers

from cvm_analysis.errors import CvmError

NOTHING = "–"  # how an empty value is written
OPEN = ("segments", "indicators", "types", "grades")  # a business may add codes of its own to these

# fmt: off
MONEY_COLUMNS = frozenset({
    "amount", "change_cost", "cost", "gain", "gain_high", "gain_low", "churned_value",
    "margin_365d",
    "margin_total", "mean_net_sales", "mean_expected_margin", "net_sales", "net_sales_365d",
    "net_sales_change_365d",
    "gross_sales", "net_sales_per_order", "spend_per_repeat_day", "expected_margin",
    "expected_margin_high", "expected_margin_if_retained", "expected_margin_low",
    "margin_at_stake",
})
SHARE_COLUMNS = frozenset({
    "churn_risk", "p_alive", "p_end_90d", "p_end_180d", "p_end_365d", "p_no_purchase_90d",
    "p_no_purchase_180d", "p_no_purchase_365d", "repeat_share", "retention", "return_share",
    "share",
    "share_customers", "share_net_sales", "share_expected_margin",
})
# fmt: on


class MissingTextError(CvmError):
    """A text or a language that is not there; the message names it and the nearest one."""


@dataclass(frozen=True)
class Words:
    """The words of one language; `words` makes one.

    An empty value (None, NaN, NaT) is written as a dash by every format below.
    """

    language: str
    entries: Mapping[str, str]

    def __call__(self, key: str, **values: str) -> str:
        """Return the text under a dotted key, its `{names}` filled with already formatted values.

        A code of an open section (`segments`, ...) that has no text is named by itself: `vip_club`
        is `Vip club`, and a Chinese code stays as it is.

        Raises
        ------
        MissingTextError : no such key, or the text has a `{name}` that `values` lacks
        """
        try:
            return self.entries[key].format(**values) if values else self.entries[key]
        except KeyError as missing:
            if key in self.entries:
                raise MissingTextError(f"text '{key}' needs a value for {missing}") from None
            section, _, code = key.partition(".")
            if section in OPEN and code:
                return code[0].upper() + code[1:].replace("_", " ")
            near = difflib.get_close_matches(key, self.entries, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else f"; add it to {self.language}.yaml"
            raise MissingTextError(f"{self.language}.yaml has no text '{key}'{hint}") from None

    def __contains__(self, key: str) -> bool:
        return key in self.entries

    def section(self, name: str) -> dict[str, str]:
        """Return all texts of a section by the last part of their keys."""
        start = f"{name}."
        return {k.removeprefix(start): v for k, v in self.entries.items() if k.startswith(start)}

    def names(self, section: str, codes: Iterable[str]) -> dict[str, str]:
        """Name codes by a section: `names("classes", ["high"])` is {"high": "High"}."""
        return {code: self(f"{section}.{code}") for code in codes}

    def listed(self, names: Iterable[str]) -> str:
        """Write names one after the other: `East, South`."""
        return self("comma").join(names)

    def number(self, value: Any, digits: int = 0) -> str:
        """Write a number with grouped thousands: 1234567.891 is `1,234,568`."""
        return self._write(self._locale.decimal_formats[None].pattern, value, digits)

    def percent(self, value: Any, digits: int = 0) -> str:
        """Write a share as a percentage: 0.256 is `26%`."""
        return self._write(self._locale.percent_formats[None].pattern, value, digits)

    def money(self, value: Any, currency: str, digits: int = 0) -> str:
        """Write an amount with its currency sign; `currency` is an ISO 4217 code."""
        if _empty(value):
            return NOTHING
        pattern = _with_digits(self._locale.currency_formats["standard"].pattern, digits)
        return numbers.format_currency(
            _exact(value), currency, pattern, self._locale, currency_digits=False
        )

    def short(self, value: Any, currency: str | None = None) -> str:
        """Write a number or amount to three digits, for axes and big figures: 1234567 is `1.2M`."""
        if _empty(value):
            return NOTHING
        value = float(f"{value:.3g}")
        if abs(value) < 1000:
            digits = next((d for d in (0, 1) if round(value, d) == value), 2)
            return self.money(value, currency, digits) if currency else self.number(value, digits)
        if currency:
            return numbers.format_compact_currency(
                value, currency, locale=self._locale, fraction_digits=1
            )
        return numbers.format_compact_decimal(value, locale=self._locale, fraction_digits=1)

    def value(self, column: str, value: Any, currency: str, short: bool = False) -> str:
        """Write a value of a named column in that column's unit: money, share or plain number."""
        if column in SHARE_COLUMNS:
            return self.percent(value)
        if column in MONEY_COLUMNS:
            return self.short(value, currency) if short else self.money(value, currency)
        return self.short(value) if short else self.number(value)

    def date(self, day: Any) -> str:
        """Write a day; takes a date, a Timestamp or an ISO string."""
        return self._day(day, "yMMMd")

    def month(self, day: Any) -> str:
        """Write the month of a day: `Jan 2025`."""
        return self._day(day, "yMMM")

    @property
    def _locale(self) -> babel.Locale:
        return babel.Locale.parse(self.language)

    def _write(self, pattern: str, value: Any, digits: int) -> str:
        if _empty(value):
            return NOTHING
        return numbers.format_decimal(_exact(value), _with_digits(pattern, digits), self._locale)

    def _day(self, day: Any, skeleton: str) -> str:
        if _empty(day):
            return NOTHING
        day = date.fromisoformat(day[:10]) if isinstance(day, str) else day
        return dates.format_skeleton(skeleton, day, locale=self._locale)


def languages() -> list[str]:
    """Name the languages that have texts."""
    names = (file.name for file in resources.files(__name__).iterdir())
    return sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml"))


@lru_cache
def words(language: str) -> Words:
    """Return the words of a language (`en`); one that has no file is a MissingTextError."""
    if language not in languages():
        known = ", ".join(languages())
        raise MissingTextError(f"no texts in language '{language}'; there are {known}")
    text = (resources.files(__name__) / f"{language}.yaml").read_text(encoding="utf-8")
    tree = yaml.safe_load(text)
    return Words(language, dict(_leaves(tree)))


def _leaves(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Yield (dotted key, text) for every text below a nested mapping."""
    for name, below in tree.items():
        if isinstance(below, Mapping):
            yield from _leaves(below, f"{above}{name}.")
        else:
            yield f"{above}{name}", str(below)


def _with_digits(pattern: str, digits: int) -> str:
    """Return a Babel number pattern that always writes `digits` decimals."""
    whole, _, rest = pattern.partition("0")
    return f"{whole}0{'.' * bool(digits)}{'0' * digits}{rest.lstrip('.0#')}"


def _exact(value: Any) -> Decimal:
    """Return the decimal that the value prints as: what a reader would round by hand."""
    return value if isinstance(value, Decimal) else Decimal(str(float(value)))


def _empty(value: Any) -> bool:
    """Tell whether there is nothing to write: None, NaN, NaT, NA or infinite."""
    return bool(pd.isna(value)) or (isinstance(value, float) and math.isinf(value))


def figures_in(text: str) -> list[str]:
    """Find the figures in a text, as they are written: `12,345`, `-3.5%`."""
    return re.findall(r"[-−+]?\d(?:[\d.,]*\d)?%?", text)
