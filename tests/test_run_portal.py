"""The portal keeps its first language when it is written without a run."""

import pytest
from published_reports import BUSINESS, fail, out_folder, publish

from cvm_analysis.run import portal

DAY = "2026-01-31"


@pytest.fixture
def out(tmp_path):
    out = out_folder(tmp_path / "out")
    publish(out, "east", DAY, languages=["en", "zh"])
    return out


def pages(out):
    return {path.name: path.read_bytes() for path in out.glob("index*.html")}


@pytest.mark.parametrize(("first", "other"), [("zh", "en"), ("en", "zh")])
def test_the_first_language_stays(out, first, other):
    portal.write(out, BUSINESS, [first, other])
    before = pages(out)
    assert before["index.html"] == before[f"index.{first}.html"] != before[f"index.{other}.html"]
    portal.write(out, BUSINESS)
    assert pages(out) == before


@pytest.mark.parametrize("index", ["mine", None], ids=["changed", "lost"])
def test_where_nothing_tells_the_first_language_it_is_that_of_a_report(out, index):
    portal.write(out, BUSINESS, ["zh"])
    (out / "index.html").unlink() if index is None else (out / "index.html").write_text(index)
    portal.write(out, BUSINESS)
    assert pages(out)["index.html"] == pages(out)["index.en.html"]


def test_an_entry_tells_when_and_where_its_report_was_made(out):
    publish(out, "west", DAY, started="2026-02-01T06:00:00+00:00", timezone="Asia/Shanghai")
    publish(out, "all", DAY, regions={"east": DAY, "west": DAY}, without=["east"])
    fail(out, "south")
    found = {each["region"]: each for each in portal.entries(out, "en")}
    assert [*found] == ["all", "east", "south", "west"]
    assert found["west"]["started"] == "2026-02-01T06:00:00+00:00"
    assert (found["west"]["timezone"], found["east"]["timezone"]) == ("Asia/Shanghai", "UTC")
    assert (found["all"]["regions"], found["all"]["missing"]) == (["east", "west"], ["East"])
    assert (found["south"]["started"], found["south"]["regions"]) == ("", [])
