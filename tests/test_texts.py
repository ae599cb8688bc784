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
    with pytest.raises(CvmError, match=r"'levels.eror'; did you mean 'levels.error'"):
        EN("levels.eror")


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
    assert placeholders(words(language)) == placeholders(EN)


def placeholders(say):
    """The names in each text; those of all forms of a text that has forms by a count together."""
    found = {}
    for key, text in say.entries.items():
        above, _, form = key.rpartition(".")
        is_form = form in ("one", "other") and not above.startswith("risk_drivers.")
        found.setdefault(above if is_form and "other" in say.section(above) else key, set()).update(
            re.findall(r"{(\w+)}", text)
        )
    return {key: names - {"n", "have"} for key, names in found.items()}


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
        (EN.money(1234567.891, "CNY"), "¥1,234,568"),
        (EN.money(-12.5, "USD", 2), "-$12.50"),
        (EN.short(1234567), "1.23M"),
        (EN.short(999999, "CNY"), "¥1M"),
        (EN.short(2_654_999, "CNY"), "¥2.65M"),
        (EN.short(2_651_159, "CNY"), "¥2.65M"),
        (EN.amounts([2_651_159, 26_500_000], "CNY")[0], "¥2.7M"),
        (EN.short(33_449_999, "CNY"), "¥33.4M"),
        (EN.short(16_707, "CNY"), "¥16.7K"),
        (EN.short(2_653, "CNY"), "¥2,650"),
        (EN.short(-2_655, "AUD"), "-$2,660"),
        (EN.money(12, "CHF"), "CHF12"),
        (EN.number(0.5), "1"),
        (EN.number(2.5), "3"),
        (EN.percent(0.125), "13%"),
        (EN.short(0.25), "0.25"),
        (EN.short(7.5), "7.5"),
        (EN.short(20), "20"),
        (EN.short(123.4, "USD"), "$123"),
        (EN.date(date(2025, 12, 31)), "Dec 31, 2025"),
        (EN.date("2025-12-31"), "Dec 31, 2025"),
        (EN.month(pd.Timestamp("2025-02-28")), "Feb 2025"),
        (EN.value("net_sales", 12_345, "USD"), "$12.3K"),
        (EN.value("repeat_share", 0.5, "USD"), "50%"),
        (EN.value("n_customers", 1200, "USD"), "1,200"),
        (EN.value("mean_expected_orders", 1.25, "USD"), "1.3"),
        (EN.value("mean_days_since_last", 7.6, "USD"), "8"),
    ],
)
def test_formats(written, expected):
    assert written == expected


@pytest.mark.parametrize(
    ("currency", "english", "chinese"),
    [
        *(("CNY", "¥", "¥"), ("JPY", "¥", "¥"), ("USD", "$", "$"), ("AUD", "$", "$")),
        *(("CAD", "$", "$"), ("MXN", "$", "$"), ("EUR", "€", "€"), ("GBP", "£", "£")),
        # written so by their own people
        *(("BRL", "R$", "R$"), ("HKD", "HK$", "HK$"), ("CHF", "CHF", "CHF")),
        # of several countries
        *(("XOF", "F\u202fCFA", "F\u202fCFA"), ("XCD", "EC$", "EC$")),
    ],
)
def test_a_sign_is_written_as_at_home(currency, english, chinese):
    signs = english, chinese
    for say, sign in zip((EN, words("zh")), signs, strict=True):
        assert say.sign(currency) == sign
        assert say.money(-1234, currency) == f"-{sign}1,234"
        assert say.amounts([2_650_000], currency)[0].startswith(sign)
        assert say.short(2_650_000, currency).startswith(sign)


@pytest.mark.parametrize(
    ("days", "english", "chinese"),
    [
        (364, "12 months", "12个月"), (182, "6 months", "6个月"), (365, "12 months", "12个月"),
        (140, "20 weeks", "20周"), (7, "1 week", "1周"), (180, "180 days", "180天"),
        (1, "1 day", "1天"),
    ],
)  # fmt: skip
def test_a_time_is_written_in_its_largest_whole_unit(days, english, chinese):
    assert (EN.duration(days), words("zh").duration(days)) == (english, chinese)


def test_a_count_chooses_the_form_of_a_text():
    assert [EN.count("contracts", n) for n in (0, 1, 1.2, 2)] == [
        "0 contracts", "1 contract", "1 contract", "2 contracts",
    ]  # fmt: skip
    assert words("zh").count("contracts", 1) == "1份合同"
    assert EN.plural("notes.zero_durations", 1, have="1").startswith("1 contract lasted")
    assert EN.plural("notes.zero_durations", 3, have="3").startswith("3 contracts lasted")
    assert EN.plural("notes.cox_not_fitted", None) == EN("notes.cox_not_fitted")


@pytest.mark.parametrize(("language", "said", "never"), [
    ("en", "6 months", r"12.months|twelve|52 weeks|a year\b(?! (before|apart))"),
    ("zh", "6个月", "12个月|十二|52周|全年"),
])  # fmt: skip
def test_the_horizon_of_the_config_is_the_only_one_that_texts_tell(language, said, never):
    say = words(language, horizon_weeks=26)
    telling = [key for key, text in say.entries.items() if "{horizon}" in text]
    assert len(telling) > 10
    for key in telling:
        names = re.findall(r"{(\w+)}", say.entries[key])
        assert said in say(key, **{name: "x" for name in names if name != "horizon"})
    sections = (
        "manager.",
        "columns.",
        "worth.",
        "portal.",
        "charts.",
    )
    for key, text in say.entries.items():
        assert not (key.startswith(sections) and re.search(never, text)), key


def test_without_a_horizon_no_text_tells_one():
    with pytest.raises(
        MissingTextError, match=r"'columns\.expected_margin' needs a value for 'horizon'"
    ):
        EN("columns.expected_margin")
    say = words("en", horizon_weeks=20)
    assert words(say) is say and "20 weeks" in say("columns.expected_margin")


def test_a_column_of_amounts_has_one_unit():
    values = [87_041_234, 977_000, None, 0, -5_000]
    assert EN.amounts(values, "CNY") == ["¥87.0M", "¥1.0M", "–", "¥0.0M", "¥0.0M"]
    assert words("zh").amounts(values[:2], "CNY") == ["¥8,704万", "¥98万"]
    assert EN.amounts([9_876, 12.5], "USD") == ["$9,876", "$13"]
    assert EN.amounts([2_260_000, -50_000], "CNY") == ["¥2.26M", "-¥0.05M"]
    assert words("zh").amounts([22_600_000, 977_000], "CNY") == ["¥2,260万", "¥98万"]
    assert EN.amounts([None], "USD") == ["–"]


def test_chinese_writes_dates_and_large_numbers_its_own_way():
    zh = Words("zh", {})
    assert zh.date("2025-12-31") == "2025年12月31日"
    assert zh.short(1234567) == "123万"
    assert zh.short(87_041_234, "CNY") == "¥8,704万"
    assert zh.short(29_600, "CNY") == "¥2.96万"
    assert zh.short(2_653, "CNY") == "¥2,650"
    assert zh.money(1234567.891, "CNY") == "¥1,234,568"


def test_a_day_near_the_report_has_no_year():
    assert EN.day_and_month(date(2026, 1, 14)) == "Jan 14"
    assert words("zh").day_and_month("2026-01-14") == "1月14日"
    assert EN.day_and_month(None) == "–"


@pytest.mark.parametrize("nothing", [None, np.nan, pd.NaT, pd.NA, np.inf])
def test_nothing_is_a_dash(nothing):
    assert {EN.number(nothing), EN.percent(nothing), EN.money(nothing, "CNY")} == {"–"}
    assert {EN.short(nothing), EN.date(nothing), EN.month(nothing)} == {"–"}


def test_figures_are_found_as_they_are_written():
    said = figures_in("¥2.65M for 3,840 (11%), from -3.5% on 2025-01-31, 客户12位.")
    assert said == ["2.65", "3,840", "11%", "-3.5%", "2025", "-01", "-31", "12"]
    assert figures_in("none") == []


def test_a_small_negative_figure_is_rounded_to_zero_without_a_sign():
    assert (EN.percent(-0.001), EN.number(-0.2), EN.money(-0.3, "CNY")) == ("0%", "0", "¥0")
    assert EN.percent(-0.006) == "-1%"
