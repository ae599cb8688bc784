"""Whether all is as it should be: one state and every problem of each region's newest report."""

import datetime as dt
import json

import pytest
from published_reports import fail, out_folder, publish
from typer.testing import CliRunner

from cvm_analysis.cli import app
from cvm_analysis.run.status import judge

NOW = dt.datetime(2026, 2, 1, 12, tzinfo=dt.UTC)
DAY = "2026-01-31"


@pytest.fixture
def out(tmp_path):
    """Reports of a day, of `all` and two regions."""
    out = out_folder(tmp_path / "out")
    for key in ("east", "west"):
        publish(out, key, DAY)
    publish(out, "all", DAY, regions=dict.fromkeys(("east", "west"), DAY))
    return out


def states(out, **more):
    return {each.region: (each.state, *each.problems) for each in judge(out, NOW, **more)}


GOOD = dict.fromkeys(("all", "east", "west"), ("good",))


def test_all_is_good(out):
    assert states(out, max_age_days=1) == GOOD
    assert [each.age_days for each in judge(out, NOW)] == [1, 1, 1]


def test_a_region_that_failed_is_named_with_its_place(out):
    fail(out, "east")
    fail(out, "south")
    said = "failed since 2026-02-01T06:00:00+00:00: 05_value.ipynb [7]"
    assert states(out) == GOOD | {"east": ("stale", said), "south": ("failed", said)}


def test_all_that_is_older_than_a_region_or_without_one(out):
    publish(out, "west", "2026-02-01")
    assert states(out) == GOOD | {"all": ("stale", "newer report of West")}
    publish(out, "all", DAY, regions={"east": DAY, "west": "2026-02-01"}, without=["east"])
    assert states(out) == GOOD | {"all": ("stale", "without East")}


@pytest.mark.parametrize("name", ["run.json", f"share/east-{DAY}.en.html"])
@pytest.mark.parametrize("damage", ["", None], ids=["emptied", "lost"])
def test_what_is_damaged_is_named(out, name, damage):
    path = out / "east" / DAY / name
    path.unlink() if damage is None else path.write_text(damage)
    assert states(out)["east"] == ("damaged", f"{DAY}/{name} is damaged")


def test_a_newest_report_that_is_damaged_is_not_hidden_by_an_older_one(out):
    (publish(out, "east", "2026-02-01") / "run.json").write_text("{")
    assert states(out)["east"][0] == "damaged"


def test_an_older_report_that_is_damaged_is_no_matter(out):
    (publish(out, "east", "2026-01-01") / "run.json").write_text("{")
    assert states(out) == GOOD


@pytest.mark.parametrize(
    ("timezone", "utc", "age"),
    [
        ("UTC", "2026-01-31T23:59:00", 0),
        ("UTC", "2026-02-01T00:00:00", 1),
        ("Asia/Shanghai", "2026-01-31T15:59:00", 0),
        ("Asia/Shanghai", "2026-01-31T16:00:00", 1),  # midnight there
        ("America/New_York", "2026-02-01T04:59:00", 0),
        ("America/New_York", "2026-02-01T05:00:00", 1),
    ],
)
def test_days_are_those_of_the_business(out, timezone, utc, age):
    publish(out, "east", DAY, timezone=timezone)
    now = dt.datetime.fromisoformat(utc).replace(tzinfo=dt.UTC)
    assert next(each for each in judge(out, now) if each.region == "east").age_days == age


def test_a_report_is_old_from_the_day_after_the_limit(out):
    publish(out, "east", "2026-01-30", regions={})
    assert states(out, max_age_days=1) == GOOD, "the newest report counts"
    for each in judge(out, NOW + dt.timedelta(days=7), max_age_days=7):
        assert (each.state, each.problems) == ("old", ("8 days old, more than 7",))
    assert {each.state for each in judge(out, NOW + dt.timedelta(days=6), 7)} == {"good"}


def test_a_region_that_the_company_has_no_more_is_not_judged(out):
    publish(out, "north", "2025-12-31")
    fail(out, "north", since="2026-01-01T06:00:00+00:00")
    assert states(out, max_age_days=1) == GOOD | {"north": ("former",)}
    fail(out, "north")
    assert states(out)["north"][0] == "stale", "after the report of all"


def test_a_new_region_that_the_report_of_all_does_not_know_yet_is_judged(out):
    publish(out, "north", DAY, started="2026-02-01T06:00:00+00:00")
    assert states(out, max_age_days=0)["north"] == ("old", "1 day old, more than 0")


def test_the_exit_code_and_the_last_line_say_what_is_wrong(out):
    asked = ["status", str(out)]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0 and [line.split() for line in done.output.splitlines()] == [
        *(["all", DAY, "good"], ["east", DAY, "good"], ["west", DAY, "good"]),
    ]
    (out / "west" / DAY / "run.json").write_text("")
    fail(out, "east")
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 1 and len(done.output.splitlines()) == 4
    assert done.output.splitlines()[-1] == (
        "east: failed since 2026-02-01T06:00:00+00:00: 05_value.ipynb [7]; "
        f"west: {DAY}/run.json is damaged"
    )
    assert CliRunner().invoke(app, [*asked, "--max-age-days", "99999"]).exit_code == 1


def test_old_reports_are_wrong_only_if_a_limit_is_given(out):
    asked = ["status", str(out), "--max-age-days"]
    long_ago = (dt.date.today() - dt.date.fromisoformat(DAY)).days
    assert CliRunner().invoke(app, [*asked, str(long_ago + 1)]).exit_code == 0
    assert CliRunner().invoke(app, [*asked, str(long_ago - 2)]).exit_code == 1


def test_json_is_one_object_a_line(out):
    fail(out, "east")
    done = CliRunner().invoke(app, ["status", str(out), "--json"])
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.exit_code == 1 and [each["region"] for each in found] == ["all", "east", "west"]
    assert {tuple(each) for each in found} == {("region", "as_of", "age_days", "state", "problems")}
    assert found[1]["state"] == "stale" and found[0]["problems"] == []
    assert done.stderr.startswith("cvm: east: failed since")


def test_nothing_published_is_wrong(tmp_path):
    (tmp_path / "out").mkdir()
    done = CliRunner().invoke(app, ["status", str(tmp_path / "out")])
    assert done.exit_code == 1 and "nothing is published" in done.output
