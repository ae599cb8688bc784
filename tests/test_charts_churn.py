"""The figures on silence say what their tables say, in every language, and break on no table."""

import numpy as np
import pandas as pd
import pytest
from test_charts import HOSTILE, texts

from cvm_analysis import charts
from cvm_analysis.charts.style import PAGE, SOFT
from cvm_analysis.churn import evaluation, features, lapse
from cvm_analysis.errors import InputError
from cvm_analysis.survival.kaplan_meier import kaplan_meier
from cvm_analysis.texts import MissingTextError, words

MODELS_AND_MEASURES = {
    "models": ["cox", "recency"],
    "columns": ["auc", "brier", "log_loss", "calibration_slope", "calibration_intercept"],
}


def curves(segments=("east", "south"), weeks=105, half_after=52.0):
    """Exponential decay, each segment half as fast as the one before."""
    week = np.arange(weeks)
    parts = []
    for i, segment in enumerate(segments):
        share = 0.5 ** (week / half_after / 2**i)
        columns = {"segment": segment, "week": week, "survival": share, "low": share * 0.92}
        parts.append(pd.DataFrame(columns | {"high": share * 1.08, "n_at_risk": 100 * (i + 1)}))
    return pd.concat(parts)


def ratios(**rows):
    return pd.DataFrame.from_dict(rows, orient="index", columns=["hazard_ratio", "low", "high"])


def deciles():
    return pd.DataFrame(
        {
            "bin": [1, 2, 3],
            "n": [400, 400, 434],
            "predicted": [0.12, 0.5, 0.91],
            "actual": [0.13, 0.7, 0.89],
            "low": [0.08, 0.45, 0.87],
            "high": [0.16, 0.55, 0.95],
        }
    )


def tried():
    shares = [0.42, 0.21, 0.08, np.nan]
    columns = {"threshold_days": [90, 180, 365, 730], "n_spells": [9000, 4000, 1234, 7]}
    return pd.DataFrame(columns | {"return_rate": shares})


COX = {"silence_gaps": (0.574, 0.546, 0.606), "rate": (1.32, 1.2, 1.45), "nps": (1.01, 0.9, 1.13)}
PICTURES = {
    "survival": lambda language="en": charts.survival(curves(), language),
    "hazards": lambda language="en": charts.hazards(ratios(**COX), language),
    "reliability": lambda language="en": charts.reliability(deciles(), language),
    "return_rate": lambda language="en": charts.return_rate(tried(), 365, language),
}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", PICTURES)
def test_every_figure_is_drawn_in_every_language(name, language):
    picture = PICTURES[name](language)
    assert len(picture.alt) > 30 and "{" not in picture.alt and picture.alt[-1] in ".。"
    assert any(character.isdigit() for character in picture.alt)
    assert picture.svg() == PICTURES[name](language).svg()
    assert len(picture.svg()) < 40_000


@pytest.mark.parametrize("name", PICTURES)
def test_an_empty_table_says_so(name):
    assert getattr(charts, name)(pd.DataFrame()).alt == words("en")("charts.nothing")


@pytest.mark.parametrize("name", PICTURES)
def test_a_table_that_cannot_be_drawn_says_why(name):
    with pytest.raises(InputError, match=f"{name}: the table lacks"):
        getattr(charts, name)(pd.DataFrame({"odd": [1]}))


def test_survival_tells_each_group_where_all_are_still_observed():
    table = curves()
    shorter = table[(table["segment"] == "south") | (table["week"] <= 52)]
    alt = charts.survival(shorter).alt
    assert "After 52 weeks: east 50% (46% to 54%), south 71% (65% to 76%)." in alt


def test_survival_names_each_line_at_its_end_and_needs_no_legend():
    picture = charts.survival(curves())
    (ax,) = picture.figure.axes
    assert ax.get_legend() is None
    assert {"east", "south", "100%", "0%", "26"} <= set(texts(picture))
    assert [note.xy for note in ax.texts] == [(104, pytest.approx(0.25)), (104, pytest.approx(0.5))]


def test_segments_can_be_named_by_the_texts():
    shown = texts(charts.survival(curves(("champions", "lost")), names="segments"))
    assert {"Champions", "Lost"} <= set(shown)
    with pytest.raises(MissingTextError, match=r"classes\.east"):
        charts.survival(curves(), names="classes")


def test_all_together_is_one_line_without_a_name():
    picture = charts.survival(curves(("all",)))
    assert "all" not in texts(picture)
    assert "After 104 weeks: 25% (23% to 27%)." in picture.alt


def test_time_is_converted_to_the_unit_of_the_axis():
    spans = pd.DataFrame({"duration": [70, 140, 280, 280], "event": [1, 1, 0, 0]})
    table = kaplan_meier(spans)
    days = charts.survival(table, unit="day", of="contracts")
    weeks = charts.survival(table, of="contracts")
    assert "contracts still running" in days.alt and "After 280 days: 50%" in days.alt
    assert "After 40 weeks: 50%" in weeks.alt
    assert weeks.figure.axes[0].get_xlim() == (0, 40)
    assert "Days since the contract started" in texts(days)


def test_of_many_groups_the_six_largest_are_drawn_and_the_title_says_so():
    picture = charts.survival(curves("abcdefgh"))
    assert "The 6 largest of 8 groups" in "".join(texts(picture))
    assert [t for t in texts(picture) if t in list("abcdefgh")] == list("cdefgh")
    with pytest.raises(InputError, match="survival: the table lacks n_at_risk"):
        charts.survival(curves("abcdefgh").drop(columns="n_at_risk"))


def test_names_keep_apart_where_lines_end_together():
    table = pd.concat([curves((name,)) for name in "abcdef"])
    heights = sorted(note.xyann[1] for note in charts.survival(table).figure.axes[0].texts)
    assert min(np.diff(heights)) > 0.07 and heights[0] >= 0 and heights[-1] <= 1


def test_years_of_days_stay_small():
    daily = curves("abcdef", weeks=1500, half_after=700.0).rename(columns={"week": "duration"})
    assert len(charts.survival(daily, unit="day").svg()) < 100_000


def test_hazards_write_ratio_and_interval_beside_each_feature():
    picture = PICTURES["hazards"]()
    assert {"0.57 (0.55 to 0.61)", "1.32 (1.20 to 1.45)"} <= set(texts(picture))
    assert {"Inactivity, in usual intervals", "(doubled)"} <= set(texts(picture))
    assert "Purchase days per year (doubled) 1.32 (1.20 to 1.45)" in picture.alt


def test_an_interval_that_holds_one_is_grey():
    (ax,) = PICTURES["hazards"]().figure.axes
    intervals = [line for line in ax.lines if line.get_marker() == "None"][1:]
    assert [line.get_color() for line in intervals] == ["#0b5d8f", "#0b5d8f", "#5a6675"]


def test_the_axis_of_hazards_is_logarithmic_and_holds_one():
    for low, high in [(0.97, 0.99), (0.5, 0.6), (1.9, 2.4), (0.0, 1e6)]:
        (ax,) = charts.hazards(ratios(rate=((low * high) ** 0.5, low, high))).figure.axes
        left, right = ax.get_xlim()
        assert ax.get_xscale() == "log" and left < 1 < right
        assert left > 0.009 and right < 110
        assert 1 in ax.get_xticks()
    (ax,) = charts.hazards(ratios(rate=(1.0, 0.15, 6.0))).figure.axes
    assert list(ax.get_xticks()) == [0.2, 0.5, 1, 2, 5]


def test_a_covariate_without_a_word_is_shown_as_it_is():
    rows = dict.fromkeys([*HOSTILE, "late_installation"], (1.5, 1.1, 2.0))
    picture = charts.hazards(ratios(**rows), of="contracts")
    shown = "".join(texts(picture))
    assert "Installed late" in shown and "<script>alert(1)</script>" in shown
    assert "Hazard ratios of contract end" in picture.alt


def test_reliability_counts_groups_within_the_expected_range():
    picture = PICTURES["reliability"]()
    assert "share of 1,234 customers" in picture.alt and "In 2 of 3" in picture.alt
    assert "predicted 12%, actual 13%. Highest risk: predicted 91%, actual 89%" in picture.alt
    (ax,) = picture.figure.axes
    drawn = {line.get_marker(): list(line.get_ydata()) for line in ax.lines[1:]}
    assert drawn == {"o": [0.13, 0.89], "D": [0.7]}
    assert ax.get_xlim() == ax.get_ylim() == (0, 1)


def test_a_calibration_of_one_group_is_drawn():
    for share in (0.0, 0.5, 1.0):
        p = pd.Series([share] * 4, list("abcd"))
        found = evaluation.calibration(p, pd.Series([1, 1, 1, 0], p.index))
        inside = 1 if share == 0.5 else 0
        picture = charts.reliability(found)
        assert f"In {inside} of 1" in picture.alt
        left, right = picture.figure.axes[0].get_xlim()
        assert 0 <= left < right <= 1


def test_comebacks_mark_the_bound():
    picture = PICTURES["return_rate"]()
    assert {"42%", "21%", "8%", "365", "Lapsed after 365 days"} <= set(texts(picture))
    assert "730" not in texts(picture)
    assert "after 365 days. Inactive periods that long: 1,234; 8% of them" in picture.alt


def test_a_bound_set_by_hand_or_none_at_all():
    by_hand = charts.return_rate(tried(), 100)
    assert "Lapsed after 100 days" in texts(by_hand) and "outside the values tested" in by_hand.alt
    without = charts.return_rate(tried())
    assert "Lapsed" not in "".join(texts(without)) and "lapsed" not in without.alt


def test_comebacks_of_a_history_too_short_to_try_any():
    assert charts.return_rate(tried().tail(1)).alt == words("en")("charts.nothing")
    assert "42% after 90 days" in charts.return_rate(tried().head(1), 90).alt


def test_the_tables_of_the_models_can_be_drawn():
    days = pd.DataFrame({"customer_id": list("aabbc")})
    dates = ["2024-01-01", "2024-03-01", "2024-01-05", "2025-01-05", "2024-02-01"]
    days["day"] = pd.to_datetime(dates)
    end = pd.Timestamp("2025-12-31").date()
    found = lapse.candidate_thresholds(lapse.inactivity_spells(days, end), thresholds=(30, 90))
    assert "after 30 days" in charts.return_rate(found, 90).alt
    lapses = lapse.survival_curves(
        lapse.purchase_spells(days, end, 90), pd.Series(["x", "y", "y"], list("abc"))
    )
    assert {"x", "y"} <= set(texts(charts.survival(lapses)))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_model_and_measure_has_words(language):
    for section, codes in MODELS_AND_MEASURES.items():
        assert all(words(language).names(section, codes).values())


def test_a_ratio_that_is_only_a_mean_is_hollow_and_says_of_what():
    picture = charts.hazards(ratios(**COX), bent=["silence_gaps"], drifting=["rate"])
    assert "(doubled), average over its range" in texts(picture)
    assert "Purchase days per year (doubled), average over time 1.32" in picture.alt
    points = [line for line in picture.figure.axes[0].lines if line.get_marker() == "o"]
    assert [point.get_markerfacecolor() for point in points] == [PAGE, PAGE, SOFT]


def test_many_features_have_room_each():
    names = [code.replace("channel", "channel=web", code == "channel") for code in features.STEPS]
    picture = charts.hazards(ratios(**dict.fromkeys(names, (1.5, 1.1, 2.0))))
    heights = sorted(ax_text.xy[1] for ax_text in picture.figure.axes[0].texts)
    assert len(heights) == len(names) == len(set(heights))
    assert picture.figure.get_size_inches()[1] > 0.38 * len(names)


def test_a_level_of_an_attribute_is_named_by_both():
    shown = charts.hazards(ratios(**{"channel=dealer_shop": (1.2, 1.1, 1.3)}))
    assert "First bought through dealer_shop (yes) 1.20" in shown.alt
