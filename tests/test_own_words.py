"""A business's own codes are called by its own words, and by themselves where it has none."""

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from cvm_analysis import charts, cli, sample, validate
from cvm_analysis.report.writer import Writer
from cvm_analysis.sample import leads as sample_leads
from cvm_analysis.segments.grades import summary, versions
from cvm_analysis.settings import load
from cvm_analysis.strategy import segment_figures
from cvm_analysis.texts import languages, words

REAL = Path(__file__).parent.parent / "config"
OWN = {  # key of the texts -> words in English, in Chinese
    "segments.stars": ("Stars", "明星客户"),
    "actions.showroom_visit": ("Invite them to the showroom", "邀请参观展厅"),
    "owners.showrooms": ("Showrooms", "展厅团队"),
    "types.franchise": ("Franchisees", "加盟商"),
    "grades.Gold": ("Gold", "金级"),
    "grades.Silver": ("Silver", "银级"),
    "grades.Bronze": ("Bronze", "铜级"),
    "indicators.display": ("Display area", "展示面积"),
}
SCORECARD = """
  franchise:
    - valid_from: 2010-01-01
      grades: {Gold: 70, Silver: 40, Bronze: 0}
      indicators:
        display: {column: indicators.display_area, weight: 0.7, scale: [0, 100]}
        margin:  {column: margin_365d, weight: 0.3, scale: [0, 5000]}
"""
OWNER = "\n  showrooms: {capacity: 10}"
ACTION = """
  showroom_visit:
    when: {column: segment, is: [stars, franchise_gold]}
    owner: showrooms
    channel: [visit]
    cost: 1
    effect: {on: expected_margin, low: 0.1, likely: 0.2, high: 0.3}
"""


@pytest.fixture(scope="module")
def wordless(tmp_path_factory):
    """The sample's config with codes of its own, and no words for them."""
    folder = tmp_path_factory.mktemp("own")
    sample.make(folder / "data" / "sample", 100)
    shutil.copytree(REAL, folder / "config")
    segments, scorecards, strategies = (
        folder / "config" / f"{name}.yaml" for name in ("segments", "scorecards", "strategies")
    )
    for file in (segments, strategies):
        file.write_text(file.read_text("utf-8").replace("champions", "stars"), "utf-8")
    cards, block = scorecards.read_text("utf-8").split("\nwords:\n")
    scorecards.write_text(f"{cards}{SCORECARD}\nwords:\n{block}", "utf-8")
    text = strategies.read_text("utf-8").rstrip() + ACTION
    strategies.write_text(re.sub(r"(?m)^owners:.*$", rf"\g<0>{OWNER}", text), "utf-8")
    return folder / "config" / "sample.yaml"


@pytest.fixture(scope="module")
def worded(wordless, tmp_path_factory):
    """The same with words: beside the action and the name, and in the block of the scorecards."""
    folder = tmp_path_factory.mktemp("worded")
    shutil.copytree(wordless.parent, folder / "config")
    (folder / "data").symlink_to(wordless.parent.parent / "data")
    said = {key: f"en: {en}, zh: {zh}" for key, (en, zh) in OWN.items()}
    blocks: dict[str, str] = {}
    for key in list(OWN)[3:]:
        section, _, code = key.partition(".")
        blocks[section] = blocks.get(section, "") + f"    {code}: {{{said[key]}}}\n"
    own = "".join(f"  {s}:\n{text}" for s, text in blocks.items() if s != "indicators")
    for name, old, new in (
        ("segments", "{r: 5, f: 4-5}", f"{{r: 5, f: 4-5, {said['segments.stars']}}}"),
        ("strategies", ACTION, ACTION + "    " + said["actions.showroom_visit"].replace(
            ", zh", "\n    zh") + "\n"),
        ("strategies", "{capacity: 10}", f"{{capacity: 10, {said['owners.showrooms']}}}"),
        ("scorecards", "\nwords:\n  indicators:\n", f"\nwords:\n{own}  indicators:\n"
            + blocks["indicators"]),
    ):  # fmt: skip
        file = folder / "config" / f"{name}.yaml"
        text = file.read_text("utf-8")
        assert text.count(old) == 1, name
        file.write_text(text.replace(old, new), "utf-8")
    return folder / "config" / "sample.yaml"


def report(settings, language):
    """All text of the parts of a report that name own codes."""
    say = words(language, settings.words)
    writer = Writer(words(say, horizon_weeks=52), "CNY")
    people = pd.DataFrame(
        {"net_sales": 100.0, "days_since_last": 9.0, "x": 1.0}, index=["C1", "C2", "C3"]
    )
    value = people.assign(expected_orders=1.0, expected_margin=50.0)[
        ["expected_orders", "expected_margin"]
    ]
    named = pd.Series(["stars", "stars", "franchise_gold"], people.index)
    figures = segment_figures.summary(people, named, value)
    own = [f"actions.{each.code}" for each in settings.strategies.actions]
    own += [f"owners.{code}" for code in settings.strategies.owners]
    grades = pd.DataFrame(
        {"customer_type": "franchise", "grade": ["Bronze", "Silver", "Gold", "not_graded"]}
    )
    mix = summary.grade_shares(grades, versions.order_grades(settings.scorecards.scorecards))
    parts = pd.DataFrame({"display": [70.0], "margin": [9.0]}, index=["C1"])
    limits = settings.scorecards.scorecards["franchise"][0].grades
    pictures = [charts.grade_mix(mix, say), charts.contributions(parts, limits, say)]
    pictures += [charts.segment_bars(figures[["n_customers", "net_sales"]], say)]
    texts = [writer.segments(figures).html, *(each.svg() for each in pictures)]
    return "\n".join([*texts, *(say(key) for key in own)])


@pytest.mark.parametrize("language", languages())
def test_own_codes_are_called_by_their_words_in_both_languages(worded, language):
    said = report(validate.check(worded), language)
    for key, text in OWN.items():
        assert text[languages().index(language)] in said, key
    for code in ("stars", "showroom_visit", "franchise_gold", ">display<"):
        assert code not in said
    graded = {"en": "Franchisees: Gold", "zh": "加盟商（金级）"}
    assert graded[language] in said


def test_grades_stand_in_the_order_of_the_scorecard(worded):
    said = report(load(worded), "en")
    legend = re.findall(r">(Gold|Silver|Bronze|Not graded)</text>", said)
    assert legend[:4] == ["Gold", "Silver", "Bronze", "Not graded"]


def test_what_has_words_is_good_and_nothing_is_warned_of(worded, tmp_path):
    found = CliRunner().invoke(cli.app, ["check", str(worded), "--out", str(tmp_path)])
    assert (found.exit_code, found.stdout.count("good"), found.stderr) == (0, 1, "")


def test_a_code_without_words_is_shown_as_it_is_and_warned_of_with_its_place(wordless, tmp_path):
    settings = validate.check(wordless)
    said = report(settings, "zh")
    assert all(key.partition(".")[2] in said for key in OWN)
    warned = validate.warnings(settings)
    assert len(warned) == len(OWN)
    for key in OWN:
        code = key.partition(".")[2]
        (text,) = [each for each in warned if f" {key} " in each]
        file, line = re.match(r"(.*) line (\d+): ", text).groups()
        assert code in Path(file).read_text("utf-8").splitlines()[int(line) - 1]
    found = CliRunner().invoke(cli.app, ["check", str(wordless), "--out", str(tmp_path)])
    assert found.exit_code == 0 and found.stderr.count("has no name in en and zh") == len(OWN)


def test_words_of_one_language_are_used_and_the_other_is_warned_of(wordless, tmp_path):
    shutil.copytree(wordless.parent, tmp_path / "config")
    file = tmp_path / "config" / "strategies.yaml"
    file.write_text(file.read_text("utf-8") + "    en: Showroom\n", "utf-8")
    settings = load(tmp_path / "config" / "sample.yaml")
    assert words("en", settings.words)("actions.showroom_visit") == "Showroom"
    assert words("zh", settings.words)("actions.showroom_visit") == "showroom_visit"
    (text,) = [each for each in validate.warnings(settings) if "showroom_visit" in each]
    assert "has no name in zh;" in text


def test_values_found_in_the_data_and_words_of_the_program_can_be_replaced(wordless, tmp_path):
    shutil.copytree(wordless.parent, tmp_path / "config")
    file = tmp_path / "config" / "sample.yaml"
    more = "  classes: {high: {en: Top}}\n  columns: {display_area: {en: display area}}\n"
    file.write_text(file.read_text("utf-8") + more, "utf-8")
    own = load(file).words
    en, zh = words("en", own), words("zh", own)
    assert (en("classes.high"), zh("classes.high")) == ("Top", words("zh")("classes.high"))
    assert (en.level("channel", "web"), zh.level("first_channel", "web")) == ("Online", "线上")
    assert zh.level("channel", "pop_up") == "pop_up"
    assert zh.measure("category:skirting") == words("zh")("report.clusters.part", part="踢脚线")
    assert en.measure("indicators.display_area") == "display area"


def test_sources_and_stages_of_leads_have_words_in_the_sample():
    own = load(REAL / "sample.yaml").words
    codes = {"source": [each.key for each in sample_leads.SOURCES], "stage": sample_leads.STAGES}
    for language in languages():
        say = words(language, own)
        for column, values in codes.items():
            assert all(say.level(column, code) != code for code in values)
        assert say.level("lead_stage", "quote") == say.level("stage", "quote")
    assert words("zh", own).level("source", "cold_call") == "电话陌拜"
