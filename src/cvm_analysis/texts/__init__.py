"""Codes to words in a language, and numbers, money and dates as that language writes them.

Every word a manager reads on a page or figure stands in `<language>.yaml` beside this file, under a
dotted key: `words("en")("segments.champions")`. Numbers, money and dates are formatted by Babel;
every figure is rounded half up. Two times come from the config: `{horizon}` of the forecasts, and
`{period}`, in which the classes of frequency and amount are counted.
"""

import contextlib
import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from importlib import resources
from types import MappingProxyType
from typing import Any

import babel
import pandas as pd
import yaml
from babel import dates, localedata, numbers
from babel.languages import get_official_languages

from cvm_analysis import tables
from cvm_analysis.errors import CvmError, nearest

NOTHING = "–"  # how an empty value is written
OPEN = (  # a business adds codes of its own
    *("actions", "action_steps", "action_messages", "channels", "owners"),
    *("grades", "indicators", "segments", "types"),
)
REPLACED = (*OPEN, "classes", "columns", "features")  # its words take the place of these
MEASURES = ("measures", "attributes", "columns")  # where measures have words
VALUES = "values"  # the section of values found in the data: values.channel.web
SAME_VALUES = {  # column -> whose values it has
    **{"first_channel": "channel", "sold_in": "region"},
    **{"lead_stage": "stage", "next_level": "level"},
    "next_product": "category",  # if categories are recommended; a product is called by its name
}
FULL = 10_000  # amounts below it are short without a unit: ¥2,650, not ¥2.65K


class MissingTextError(CvmError):
    """A text or a language that is not there; the message names it and the nearest one."""


@dataclass(frozen=True)
class Words:
    """The words of one language; `words` makes one.

    An empty value (None, NaN, NaT) is written as a dash by every format below.
    """

    language: str
    entries: Mapping[str, str]
    horizon_weeks: int | None = None  # of the forecasts: what texts mean by `{horizon}`
    period_days: int | None = None  # of the classes: what texts mean by `{period}`

    def __call__(self, key: str, **values: str) -> str:
        """Return the text under a dotted key, its `{names}` filled with already formatted values.

        A code of an open section (`segments`, ...) or a value that has no text stays as it is.

        Raises
        ------
        MissingTextError : no such key, or the text has a `{name}` that `values` lacks
        """
        if self.horizon_weeks and "{horizon}" in self.entries.get(key, ""):
            values["horizon"] = self.duration(7 * self.horizon_weeks)
        if self.period_days and "{period}" in self.entries.get(key, ""):
            values["period"] = self.duration(self.period_days)
        try:
            return self.entries[key].format(**values)
        except KeyError as missing:
            if key in self.entries:
                raise MissingTextError(f"text '{key}' needs a value for {missing}") from None
            section, _, code = key.partition(".")
            if section in OPEN and code:
                return code
            if section == VALUES:
                value = code.partition(".")[2]
                return self.entries.get(f"groups.{value}", value)
            near = nearest(key, self.entries, f"add it to {self.language}.yaml")
            raise MissingTextError(f"{self.language}.yaml has no text '{key}'{near}") from None

    def plural(self, key: str, n: Any, **values: str) -> str:
        """Return the form of a text that fits a count, `{n}` filled with the count.

        A text may have one form per plural category of CLDR (`one`, `other`, ...).
        """
        form = "other" if _empty(n) else self._locale.plural_form(abs(_rounded(n, 0)))
        forms = (each for each in (f"{key}.{form}", f"{key}.other") if each in self.entries)
        return self(next(forms, key), **{"n": self.number(n), **values})

    def count(self, noun: str, n: Any) -> str:
        """Write a count with its noun, a key under `counts`: `1 contract`, `2 contracts`."""
        return self.plural(f"counts.{noun}", n)

    def duration(self, days: int) -> str:
        """Write a time in its largest whole unit: 364 days are `12 months`, 140 `20 weeks`."""
        for quarters, whole in ((1, 91), (4, 365)):
            if days % whole == 0:
                return self.count("months", 3 * quarters * (days // whole))
        return self.count("days", days) if days % 7 else self.count("weeks", days // 7)

    def __contains__(self, key: str) -> bool:
        return key in self.entries

    def section(self, name: str) -> dict[str, str]:
        """Return all texts of a section by the last part of their keys."""
        start = f"{name}."
        return {k.removeprefix(start): v for k, v in self.entries.items() if k.startswith(start)}

    def level(self, column: str, value: object) -> str:
        """Name a value found in a column of the data: `level("channel", "web")`."""
        if column == "customer_type" and value:
            return self(f"types.{value}")
        return self(f"{VALUES}.{SAME_VALUES.get(column, column)}.{value}")

    def measure(self, column: str) -> str:
        """Name a measure within a sentence: a column, or `category:care`, a part of a whole."""
        whole, part, value = column.partition(":")
        if part and "." not in whole:
            return self("report.clusters.part", part=self.level(whole, value))
        code = column.removeprefix(tables.IMPORTED)
        keys = (f"{section}.{code}" for section in MEASURES)
        return next((self(key) for key in keys if key in self), code)

    def feature(self, code: str, step: bool = True) -> str:
        """Name a feature of the churn model, with what one step of it is, or without.

        A level of an attribute (`channel=web`) is named by the attribute and itself; a code without
        a text is made readable.
        """
        attribute, _, level = code.partition("=")
        if f"features.{attribute}" in self:
            name = self(f"features.{attribute}", level=self.level(attribute, level))
        else:
            name = (code[:1].upper() + code[1:]).replace("_", " ")
        return name if step else re.split(r" \(|\uff08", name)[0]

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
        return self._write(self._locale.percent_formats[None].pattern, value, digits, 2)

    def money(self, value: Any, currency: str, digits: int = 0) -> str:
        """Write an amount in full with its currency sign; `currency` is an ISO 4217 code."""
        if _empty(value):
            return NOTHING
        pattern = _with_digits(self._locale.currency_formats["standard"].pattern, digits)
        written = numbers.format_currency(
            _rounded(value, digits), currency, pattern, self._locale, currency_digits=False
        )
        babels = numbers.get_currency_symbol(currency, self._locale)
        return written.replace(babels, self.sign(currency), 1)

    def sign(self, currency: str) -> str:
        """Write the sign of a currency, without the country where its own people leave it out.

        A business has one currency: CN¥ is ¥ and A$ is $, but R$ and HK$ are so at home, too.
        """
        return _sign(currency, self._locale)

    def short(self, value: Any, currency: str | None = None) -> str:
        """Write a number or amount to three digits, for running text, cards and axes: `¥2.65M`."""
        if _empty(value):
            return NOTHING
        value = _exact(value)
        unit = self._unit(value)[1]
        decimals = 2 - value.adjusted()  # negative: tens, hundreds, ...; whole units are kept
        value = _rounded(value, max(decimals, -unit.adjusted()) if unit > 1 else decimals)
        if abs(value) < (FULL if currency else 1000):
            digits = _digits(value)
            return self.money(value, currency, digits) if currency else self.number(value, digits)
        pattern, unit = self._unit(value)
        return self._compact(value, pattern, unit, currency, _digits(value / unit))

    def amounts(self, values: Sequence[Any], currency: str) -> list[str]:
        """Write amounts in one unit; the largest has three digits: `¥87.0M`, `¥1.0M`."""
        known = [abs(_exact(value)) for value in values if not _empty(value)]
        largest = max(known, default=Decimal(0))
        if largest < FULL:
            return [self.money(value, currency) for value in values]
        pattern, unit = self._unit(largest)
        digits = max(0, 2 - (largest / unit).adjusted())
        return [
            NOTHING if _empty(v) else self._compact(_exact(v), pattern, unit, currency, digits)
            for v in values
        ]

    def value(self, column: str, value: Any, currency: str) -> str:
        """Write a value of a named column by its kind in `tables`: money to three digits."""
        kind = tables.kind(column)
        if kind == "share":
            return self.percent(value)
        if kind == "money":
            return self.short(value, currency)
        is_small = kind == "number" and not _empty(value) and abs(value) < 10
        return self.number(value, int(is_small))

    def date(self, day: Any) -> str:
        """Write a day; takes a date, a Timestamp or an ISO string."""
        return self._day(day, "yMMMd")

    def day_and_month(self, day: Any) -> str:
        """Write a day of the months around a report, without the year: `Jan 14`."""
        return self._day(day, "MMMd")

    def month(self, day: Any) -> str:
        """Write the month of a day: `Jan 2025`."""
        return self._day(day, "yMMM")

    def month_name(self, day: Any) -> str:
        """Write the month of a day without its year: `Jan`."""
        return self._day(day, "MMM")

    def weekday(self, number: int) -> str:
        """Name a day of the week; 0 is Monday."""
        return str(dates.get_day_names("wide", "stand-alone", self._locale)[number])

    def month_of_year(self, number: int) -> str:
        """Name a month; 1 is January."""
        return str(dates.get_month_names("wide", "stand-alone", self._locale)[number])

    @property
    def _locale(self) -> babel.Locale:
        return _read_locale(self.language)

    def _write(self, pattern: str, value: Any, digits: int, shift: int = 0) -> str:
        if _empty(value):
            return NOTHING
        rounded = _rounded(value, digits + shift)
        return numbers.format_decimal(rounded, _with_digits(pattern, digits), self._locale)

    def _unit(self, value: Decimal) -> tuple[str, Decimal]:
        """Return how a value as large is written in short (`¤0M`), and in which unit."""
        patterns = self._locale.compact_currency_formats["short"]["other"]
        found = patterns.get(f"1{value.adjusted() * '0'}")
        if found is None or not found.pattern.strip("¤0"):
            return "¤0", Decimal(1)
        unit = Decimal(1).scaleb(value.adjusted() - found.pattern.count("0") + 1)
        return re.sub("0+", "0", found.pattern), unit

    def _compact(
        self, value: Decimal, pattern: str, unit: Decimal, currency: str | None, digits: int
    ) -> str:
        sign = self.sign(currency) if currency else ""
        shown = _rounded(value / unit, digits)
        written = pattern.replace("0", self.number(abs(shown), digits)).replace("¤", sign)
        return "-" * (shown < 0) + written

    def _day(self, day: Any, skeleton: str) -> str:
        if _empty(day):
            return NOTHING
        day = date.fromisoformat(day[:10]) if isinstance(day, str) else day
        return dates.format_skeleton(skeleton, day, locale=self._locale)


Language = str | Words  # wherever words are needed: a language, or words with a business's own
NONE: Mapping[str, Mapping[str, str]] = MappingProxyType({})


def languages() -> list[str]:
    """Name the languages that have texts."""
    names = (file.name for file in resources.files(__name__).iterdir())
    return sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml"))


def text_key(section: str, code: str) -> str:
    """Name the text of a code: of an open section, or of a value of that column."""
    return f"{section}.{code}" if section in REPLACED else f"{VALUES}.{section}.{code}"


def words(
    language: Language,
    own: Mapping[str, Mapping[str, str]] = NONE,
    horizon_weeks: int | None = None,
    period_days: int | None = None,
) -> Words:
    """Return the words of a language (`en`); words are returned as they are, with the horizon.

    Parameters
    ----------
    own : language -> key -> text: what a business calls its codes, instead of the words here
    horizon_weeks, period_days : of the config; a text that prints one needs it

    Raises
    ------
    MissingTextError : no such language
    """
    if isinstance(language, Words):
        return replace(language, horizon_weeks=horizon_weeks) if horizon_weeks else language
    entries = {**_entries(language), **own.get(language, {})}
    _read_locale(language)  # with the texts, not at the first number
    return Words(language, entries, horizon_weeks, period_days)


@lru_cache
def _entries(language: str) -> dict[str, str]:
    if language not in languages():
        known = ", ".join(languages())
        raise MissingTextError(f"no texts in language '{language}'; there are {known}")
    text = (resources.files(__name__) / f"{language}.yaml").read_text(encoding="utf-8")
    return dict(_leaves(yaml.load(text, Loader=yaml.CSafeLoader)))  # ten times as quick


@lru_cache
def _read_locale(language: str) -> babel.Locale:
    """Read, once in a process, how a language writes numbers and dates."""
    localedata.load(language)
    return babel.Locale.parse(language)


def _leaves(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Yield (dotted key, text) for every text below a nested mapping."""
    for name, below in tree.items():
        if isinstance(below, Mapping):
            yield from _leaves(below, f"{above}{name}.")
        else:
            yield f"{above}{name}", str(below)


def _sign(currency: str, locale: babel.Locale) -> str:
    sign = numbers.get_currency_symbol(currency, locale)
    short = re.sub(r"^[A-Z]+(?=[^A-Z])", "", sign)
    return short if short in _signs_at_home(currency) else sign


@lru_cache
def _signs_at_home(currency: str) -> set[str]:
    """How a currency is written in the languages of its country; of several countries: none."""
    country, signs = currency[:2], set[str]()
    for spoken in get_official_languages(country, de_facto=True):
        with contextlib.suppress(babel.UnknownLocaleError):
            locale = babel.Locale.parse(f"{spoken}_{country}")
            sign = numbers.get_currency_symbol(currency, locale)
            signs.add(unicodedata.normalize("NFKC", sign))  # Japan's ¥ is a wide one
    return signs


def _with_digits(pattern: str, digits: int) -> str:
    """Return a Babel number pattern that always writes `digits` decimals."""
    whole, _, rest = pattern.partition("0")
    return f"{whole}0{'.' * bool(digits)}{'0' * digits}{rest.lstrip('.0#')}"


def _exact(value: Any) -> Decimal:
    """Return the decimal that the value prints as: what a reader would round by hand."""
    return value if isinstance(value, Decimal) else Decimal(str(float(value)))


def _digits(value: Decimal) -> int:
    """Return the fewest decimals, two at most, that write a value."""
    return next((digits for digits in (0, 1) if _rounded(value, digits) == value), 2)


def _rounded(value: Any, digits: int) -> Decimal:
    """Round half up to so many decimals; a negative number of them rounds whole digits."""
    return _exact(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP) + 0  # -0 is 0


def _empty(value: Any) -> bool:
    """Tell whether there is nothing to write: None, NaN, NaT, NA or infinite."""
    return bool(pd.isna(value)) or (isinstance(value, float) and math.isinf(value))


def figures_in(text: str) -> list[str]:
    """Find the figures in a text, as they are written: `12,345`, `-3.5%`."""
    return re.findall(r"[-−+]?\d(?:[\d.,]*\d)?%?", text)
