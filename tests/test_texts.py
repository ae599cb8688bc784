"""Words have one place, a missing one is named, and numbers are written as a reader expects."""

import re
from datetime import date
from decimal import Decimal
from importlib import resources

import numpy as np
import pandas as pd
import pytest
import yaml

from cvm_analysis.errors import CvmError
from cvm_analysis.texts import MissingTextError, Words, figures_in, words

EN = words("en")
LANGUAGES = sorted(
    f.name[:-5] for f in resources.files("cvm_analysis.texts").iterdir() if f.name.endswith(".yaml")
)


def test_a_code_has_a_word():
    assert EN("segments.champions") == "Champions"


def test_a_missing_key_is_named_with_the_nearest_one():
    with pytest.raises(CvmError, match=r"'classes.hihg'; did you mean 'classes.high'"):
        EN("classes.hihg")


def test_a_missing_value_is_named():
    with pytest.raises(MissingTextError, match=r"'report.as_of' needs a value for 'date'"):
        EN("report.as_of", day="x")


def test_values_are_filled_in_and_never_read_as_placeholders():
    assert EN("report.as_of", date="{0.__class__}") == "Data up to {0.__class__}"


@pytest.mark.parametrize("language", ["xx", "../en", "", "/etc/passwd"])
def test_an_unknown_language_names_those_there_are(language):
    with pytest.raises(MissingTextError, match="en"):
        words(language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_languages_have_the_same_keys_and_placeholders(language):
    names = re.compile(r"{(\w+)}")
    have, want = words(language).entries, EN.entries
    assert set(have) == set(want)
    assert {k: set(names.findall(have[k])) for k in want} == {
        k: set(names.findall(want[k])) for k in want
    }


def test_no_key_is_swallowed_by_yaml():
    """Unquoted `no`, `on`, `yes` become booleans, dates become dates."""

    def names(tree):
        for key, below in tree.items():
            yield key
            yield from names(below) if isinstance(below, dict) else [below]

    for language in LANGUAGES:
        text = (resources.files("cvm_analysis.texts") / f"{language}.yaml").read_text("utf-8")
        assert all(isinstance(name, str) for name in names(yaml.safe_load(text)))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (EN.number(1234567.891), "1,234,568"),
        (EN.number(-1234.56, 1), "-1,234.6"),
        (EN.number(np.int64(999)), "999"),
        (EN.number(Decimal("1234.5000"), 2), "1,234.50"),
        (EN.percent(0.256), "26%"),
        (EN.percent(0.2564, 1), "25.6%"),
        (EN.money(1234567.891, "CNY"), "CN¥1,234,568"),
        (EN.money(-12.5, "USD", 2), "-$12.50"),
        (EN.short(1234567), "1.2M"),
        (EN.short(999999, "CNY"), "CN¥1M"),
        (EN.short(0.25), "0.25"),
        (EN.short(7.5), "7.5"),
        (EN.short(20), "20"),
        (EN.short(123.4, "USD"), "$123"),
        (EN.date(date(2025, 12, 31)), "Dec 31, 2025"),
        (EN.date("2025-12-31"), "Dec 31, 2025"),
        (EN.month(pd.Timestamp("2025-02-28")), "Feb 2025"),
        (EN.value("net_sales", 12, "USD"), "$12"),
        (EN.value("share", 0.5, "USD"), "50%"),
        (EN.value("n_customers", 1200, "USD"), "1,200"),
    ],
)
def test_formats(written, expected):
    assert written == expected


def test_chinese_writes_dates_and_large_numbers_its_own_way():
    zh = Words("zh", {})
    assert zh.date("2025-12-31") == "2025年12月31日"
    assert zh.short(1234567) == "123万"
    assert zh.money(1234567.891, "CNY") == "¥1,234,568"


@pytest.mark.parametrize("nothing", [None, np.nan, pd.NaT, pd.NA, np.inf])
def test_nothing_is_a_dash(nothing):
    assert {EN.number(nothing), EN.percent(nothing), EN.money(nothing, "CNY")} == {"–"}
    assert {EN.short(nothing), EN.date(nothing), EN.month(nothing)} == {"–"}


def test_figures_are_found_as_they_are_written():
    said = figures_in("¥2.65M for 3,840 (11%), from -3.5% on 2025-01-31, 客户12位.")
    assert said == ["2.65", "3,840", "11%", "-3.5%", "2025", "-01", "-31", "12"]
    assert figures_in("none") == []
