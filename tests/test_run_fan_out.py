"""Regions stand or fall by themselves, an unchanged one is left alone, the last good one stays."""

import errno
import json
import os
import re
import signal
import stat
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet
from tiny_notebooks import is_gone, wait_for, write_notebook
from typer.testing import CliRunner

from cvm_analysis import atomic_folder
from cvm_analysis.cli import app
from cvm_analysis.errors import InputError
from cvm_analysis.notebooks import signature
from cvm_analysis.run import fan_out, kept_analysis, portal, region, region_lock
from cvm_analysis.run.notebook import Finished
from cvm_analysis.run.plan import Failure, Plan

NAMES = {
    "all": {"en": "Company", "zh": "全公司"},
    "east": {"en": "East", "zh": "华东"},
    "west": {"en": "West", "zh": "华西"},
}


@pytest.fixture
def plan(tmp_path):
    project = tmp_path / "项目 & co"
    for stem in ("01_customers", "09_strategy"):
        write_notebook(project / "notebooks", stem, "1 + 1")
    config = project / "config" / "demo.yaml"
    config.parent.mkdir()
    config.write_text("business: Demo\n")
    (project / "requirements.lock").write_text("pandas==2.3.3\n")
    return Plan(
        business="Demo",
        config=config,
        config_files=(config,),
        notebooks_folder=project / "notebooks",
        notebooks=("01_customers", "09_strategy"),
        regions=NAMES,
        company_regions={key: NAMES[key] for key in ("east", "west")},
        as_of="2026-01-01",
        out=project / "reports",
        ledger=project / "ledger",
        languages=("en",),
        prepared="prepared-1",
        inputs={str(project / "data" / "sales.csv"): "ab" * 32},
        private_folders=(project / "data",),
    )


def write_values(desk, *regions, model="own"):
    """The table `contract_churn`, one customer for each region, and a table of clusters."""
    ends = pa.table(
        {"customer_id": [f"C-{key}" for key in regions], "p_end_90d": [0.5] * len(regions)}
    )
    ends = ends.append_column("p_end_180d", ends["p_end_90d"])
    ends = ends.append_column(
        "p_end_365d", pa.array([0.8 if len(regions) > 1 else 0.6] * len(regions))
    )
    parquet.write_table(ends, desk / "tables" / "contract_churn.parquet")
    clusters = pa.table({"customer_id": ends["customer_id"], "cluster": ["c1"] * len(regions)})
    parquet.write_table(clusters, desk / "tables" / "clusters.parquet")


def read_values(desk):
    rows = parquet.read_table(desk / "tables" / "contract_churn.parquet").to_pylist()
    return {row["customer_id"]: row["p_end_365d"] for row in rows}


class Kernel:
    """Stands in for `execute`: writes what a notebook would, fails where told to."""

    def __init__(self):
        self.ran, self.fails, self.lent, self.reported = [], set(), {}, {}
        self.alerts, self.message = {}, ""

    def __call__(self, source, asked, output, limit, stop, tables):
        key, desk = asked["region"], Path(asked["run_dir"])
        self.ran.append((key, source.stem, asked["language"]))
        output.write_bytes(source.read_bytes())
        if key in self.alerts:
            (desk / "alerts.json").write_text(json.dumps(self.alerts[key]), "utf-8")
        company = desk / "company.json"
        self.lent[key] = json.loads(company.read_text()) if company.exists() else None
        if key in self.fails:
            message = self.message or f"no table {desk}/tables/value"
            failure = Failure("cell_error", message, 3, source.stem)
            return Finished(source.stem, 0.1, 1, failure)
        (desk / "tables").mkdir(exist_ok=True)
        if source.stem == "01_customers":
            write_values(desk, *(("east", "west") if key == "all" else (key,)))
        else:
            self.reported[key] = read_values(desk)
        (desk / "reference.json").write_text(json.dumps({"found in": key}))
        (desk / "done").mkdir(exist_ok=True)
        signed = {"notebook": source.stem, "parameters": asked, "notes": []}
        name = signature(source.stem, asked["language"])
        (desk / "done" / name).write_text(json.dumps(signed))
        return Finished(source.stem, 0.1, 1, notes=({"part": "clv", "code": "too_few"},))

    @property
    def regions(self):
        return list(dict.fromkeys(key for key, _, _ in self.ran))


@pytest.fixture
def kernel(monkeypatch):
    from cvm_analysis.report import page

    kernel = Kernel()
    monkeypatch.setattr(region, "execute", kernel)
    monkeypatch.setattr(
        page, "render", lambda path, title, language, links=(): f"{title} ({language})"
    )
    return kernel


def page_of(plan, region, language="en"):
    """The page that managers get."""
    name = f"Demo-{region}-{plan.as_of}.{language}.html"
    return plan.link(region) / "share" / name


def go(plan, **changes):
    events = []
    outcome = fan_out.run(replace(plan, **changes), events.append)
    return {result.region: result.state for result in outcome.results}, events


def test_all_is_analysed_first_lends_what_it_found_and_is_reported_last(plan, kernel):
    states, _ = go(plan, jobs=2)
    assert states == dict.fromkeys(NAMES, "published")
    assert kernel.ran[0] == ("all", "01_customers", "en")
    assert kernel.ran[-1] == ("all", "09_strategy", "en")
    assert kernel.lent == {"all": None, "east": {"found in": "all"}, "west": {"found in": "all"}}


def test_all_reports_what_the_regions_found(plan, kernel):
    go(plan)
    assert kernel.reported["all"] == {"C-east": 0.6, "C-west": 0.6}, "its own risks were 0.8"
    assert kernel.reported["east"] == {"C-east": 0.6}
    desk = plan.link("all") / "desk"
    assert read_values(desk) == kernel.reported["all"], "drafts are filled from here"
    assert len(parquet.read_table(desk / "tables" / "clusters.parquet")) == 2
    assert json.loads((desk / "regions.json").read_text()) == {"regions": ["east", "west"]}


def company(plan, language="en"):
    return portal.entries(plan.out, language)[0]


def test_a_missing_region_is_named_and_no_part_of_all(plan, kernel):
    kernel.fails = {"east"}
    states, _ = go(plan)
    assert states == {"all": "published", "east": "failed", "west": "published"}
    assert kernel.reported["all"] == {"C-west": 0.6}
    entry = company(plan, "zh")
    assert (entry["status"], entry["n_regions"], entry["missing"]) == ("good", 2, ["华东"])
    assert "1 of 2 regions: without East." in (plan.out / "index.html").read_text()


def test_a_region_that_is_well_again_makes_only_all_run_again(plan, kernel):
    kernel.fails = {"east"}
    go(plan)
    kernel.fails, kernel.ran = set(), []
    states, _ = go(plan)
    assert states == {"all": "published", "east": "published", "west": "unchanged"}
    assert kernel.reported["all"] == {"C-east": 0.6, "C-west": 0.6}
    assert company(plan)["missing"] == []
    assert [ran for ran in kernel.ran if ran[0] == "all"] == [("all", "09_strategy", "en")]
    assert set(go(plan)[0].values()) == {"unchanged"}


def test_after_regions_of_other_machines_all_is_reported_without_a_second_analysis(plan, kernel):
    for key in ("all", "east", "west"):
        go(plan, regions={key: NAMES[key]})
    kernel.ran.clear()
    states, _ = go(plan)
    assert states == {"all": "published", "east": "unchanged", "west": "unchanged"}
    assert kernel.ran == [("all", "09_strategy", "en")]
    assert kernel.reported["all"] == {"C-east": 0.6, "C-west": 0.6}


def test_publish_reports_all_on_the_regions_of_other_machines_and_runs_none(plan, kernel):
    for key in ("all", "east", "west"):
        go(plan, regions={key: NAMES[key]})
    kernel.ran.clear()
    outcome = fan_out.publish(plan, lambda event: None)
    assert [(each.region, each.state) for each in outcome.results] == [("all", "published")]
    assert kernel.ran == [("all", "09_strategy", "en")]
    assert kernel.reported["all"] == {"C-east": 0.6, "C-west": 0.6}
    assert fan_out.publish(plan, lambda event: None).results[0].state == "unchanged"


def lose_the_report(plan):
    plan.link("west").unlink()


def damage_the_report(plan):
    page_of(plan, "west").write_text("cut")


@pytest.mark.parametrize("spoil", [lose_the_report, damage_the_report])
def test_publish_fails_for_each_region_without_a_current_report(plan, kernel, spoil):
    go(plan)
    spoil(plan)
    kernel.ran.clear()
    events = []
    outcome = fan_out.publish(plan, events.append)
    assert [each.region for each in outcome.failed] == ["west"]
    said = outcome.failed[0].failure
    assert said.kind == "no_report" and "--prepared --region west" in said.message
    assert [event.failure for event in events if event.state == "failed"] == [said]
    assert {key for key, _, _ in kernel.ran} == {"all"}
    assert kernel.reported["all"] == {"C-east": 0.6}
    assert company(plan)["missing"] == ["West"]
    assert go(plan)[0] == {"all": "published", "east": "unchanged", "west": "published"}


def test_publish_without_an_analysis_makes_it_and_takes_no_region_of_other_thresholds(plan, kernel):
    go(plan, regions={"east": NAMES["east"]})
    outcome = fan_out.publish(plan, lambda event: None)
    assert [each.region for each in outcome.failed] == ["east", "west"]
    assert kernel.reported["all"] == {"C-east": 0.8, "C-west": 0.8}, "its own forecasts"


def test_a_kept_analysis_is_neither_used_by_force_nor_if_it_is_damaged(plan, kernel):
    kernel.fails = {"east", "west"}
    go(plan)
    kernel.ran.clear()
    go(plan, force=True)
    assert ("all", "01_customers", "en") in kernel.ran
    table = plan.out / "all" / kept_analysis.LINK / "desk" / "tables" / "clusters.parquet"
    table.write_bytes(table.read_bytes()[:-1])
    kernel.ran.clear()
    kernel.fails = set()
    states, _ = go(plan)
    assert states == dict.fromkeys(NAMES, "published")
    assert ("all", "01_customers", "en") in kernel.ran


def test_all_takes_regions_that_are_up_to_date_though_not_part_of_the_run(plan, kernel):
    go(plan)
    two = {key: NAMES[key] for key in ("all", "east")}
    go(plan, regions=two, force=True)
    assert company(plan)["missing"] == []
    change_config(plan)
    go(plan, regions=two)
    assert company(plan)["missing"] == ["West"], "that report is of other settings"


def test_all_without_any_region_keeps_its_own_tables(plan, kernel):
    states, _ = go(plan, regions={"all": NAMES["all"]})
    assert states == {"all": "published"}
    assert kernel.reported["all"] == {"C-east": 0.8, "C-west": 0.8}
    assert company(plan)["missing"] == ["East", "West"]
    assert "own forecasts" in (plan.out / "index.html").read_text()


def test_where_all_has_no_notebook_to_run_last_its_own_analysis_is_its_report(plan, kernel):
    only = {"notebooks": ("01_customers",)}
    states, _ = go(plan, **only)
    assert states == dict.fromkeys(NAMES, "published")
    assert read_values(plan.link("all") / "desk") == {"C-east": 0.8, "C-west": 0.8}
    assert (company(plan)["n_regions"], company(plan)["missing"]) == (0, [])
    assert go(plan, **only)[0] == dict.fromkeys(NAMES, "unchanged")


def test_after_a_region_alone_the_report_of_all_is_marked_and_not_touched(plan, kernel):
    go(plan)
    before = plan.link("all").readlink()
    change_config(plan)
    go(plan, regions={"east": NAMES["east"]})
    assert plan.link("all").readlink() == before
    entry = company(plan)
    assert (entry["status"], entry["newer"], entry["since"]) == ("stale", ["East"], None)
    assert "Made before the current report of East." in (plan.out / "index.html").read_text()
    said = CliRunner().invoke(app, ["status", str(plan.out)]).output.splitlines()
    assert said[0].split(maxsplit=2)[2] == "stale; newer report of East"
    assert said[1].split() == ["east", "2026-01-01", "good"]
    assert said[-1] == "all: newer report of East"
    go(plan)
    assert (company(plan)["status"], company(plan)["newer"]) == ("good", [])


def test_all_that_fails_in_its_report_leaves_the_one_before(plan, kernel, monkeypatch):
    go(plan)
    before = plan.link("all").readlink()

    def broken(source, asked, output, limit, stop, tables):
        if (asked["region"], source.stem) == ("all", "09_strategy"):
            output.write_bytes(source.read_bytes())
            return Finished(source.stem, 0.1, 1, Failure("cell_error", "broken", 2, source.stem))
        return kernel(source, asked, output, limit, stop, tables)

    monkeypatch.setattr(region, "execute", broken)
    states, _ = go(plan, force=True)
    assert states == {"all": "failed", "east": "published", "west": "published"}
    assert plan.link("all").readlink() == before
    assert hidden(plan.out / "all") == [before.name]
    assert company(plan)["status"] == "stale"


def test_alerts_of_the_notebooks_are_in_run_json_and_read_for_the_summary(plan, kernel):
    late = {"code": "late_share_rose", "figure": "late_share", "value": 0.2}
    kernel.alerts = {"east": [late | {"text": {"en": "Late", "zh": "延误"}}]}
    before = fan_out.find_alerts(plan, "en")
    assert before == {"all": [], "east": [], "west": []}
    fan_out.run(plan, lambda event: None)
    assert fan_out.find_alerts(plan, "zh") == {"all": [], "east": ["延误"], "west": []}
    made = json.loads((plan.link("east") / "run.json").read_text("utf-8"))
    assert [each["value"] for each in made["alerts"]] == [0.2]


def test_a_failing_region_leaves_the_others_standing(plan, kernel):
    kernel.fails = {"east"}
    states, events = go(plan)
    assert states == {"all": "published", "east": "failed", "west": "published"}
    assert not plan.link("east").exists()
    assert page_of(plan, "west").read_text() == "Demo – West (en)"
    failed = json.loads((plan.out / "east" / "failed.json").read_text())
    assert (failed["kind"], failed["notebook"], failed["cell"]) == ("cell_error", "01_customers", 3)
    assert failed["message"] == "no table ../tables/value"
    assert (plan.out / "east" / "failed.ipynb").is_file()
    assert [e.message for e in events if e.state == "failed"] == [
        "01_customers.ipynb, cell [3]: no table ../tables/value"
    ]
    assert hidden(plan.out / "east") == []


def hidden(folder):
    names = {path.name for path in folder.glob(".*")} - {".lock"}
    return [name for name in names if kept_analysis.LINK not in name]


def test_if_all_fails_the_regions_run_on_their_own(plan, kernel):
    kernel.fails = {"all"}
    states, _ = go(plan)
    assert states == {"all": "failed", "east": "published", "west": "published"}
    assert kernel.lent["east"] is None


def test_if_all_fails_now_its_earlier_report_is_not_lent(plan, kernel):
    go(plan)
    kernel.fails = {"all"}
    go(plan, force=True)
    assert kernel.lent["east"] is None


def test_a_region_alone_takes_what_the_published_report_of_all_found(plan, kernel):
    go(plan, regions={"all": NAMES["all"]})
    go(plan, regions={"east": NAMES["east"]})
    assert kernel.lent["east"] == {"found in": "all"}
    go(plan, regions={"east": NAMES["east"]}, prepared="prepared-2")
    assert kernel.lent["east"] is None, "that report was made from other data"


def test_all_that_learns_from_a_sample_has_no_report_and_its_regions_what_it_found(plan, kernel):
    states, _ = go(plan, is_sampled=True)
    assert states == {"all": "learned", "east": "published", "west": "published"}
    assert [each[:2] for each in kernel.ran if each[0] == "all"] == [("all", "01_customers")]
    assert kernel.lent["east"] == kernel.lent["west"] == {"found in": "all"}
    assert not plan.link("all").exists() and "Company" not in (plan.out / "index.html").read_text()
    kernel.ran.clear()
    go(plan, is_sampled=True, regions={"east": NAMES["east"]}, force=True)
    assert kernel.lent["east"] == {"found in": "all"}, "a region alone finds it, too"
    for changed in ({"prepared": "prepared-2"}, {"as_of": "2026-01-02"}):
        go(plan, is_sampled=True, regions={"east": NAMES["east"]}, **changed)
        assert kernel.lent["east"] is None, "that was learned from other data"


def test_an_unchanged_region_is_left_alone_unless_forced(plan, kernel):
    go(plan)
    before = plan.link("east").readlink()
    kernel.ran.clear()
    states, _ = go(plan)
    assert states == dict.fromkeys(NAMES, "unchanged")
    assert kernel.ran == []
    assert plan.link("east").readlink() == before
    states, _ = go(plan, force=True)
    assert states == dict.fromkeys(NAMES, "published")


def change_config(plan):
    plan.config.write_text("business: Demo\nvalue: {margin: 0.4}\n")


def change_notebook(plan):
    write_notebook(plan.notebooks_folder, "01_customers", "1 + 2")


def change_company(plan):
    (plan.link("all") / "desk" / "reference.json").write_text('{"cut": 5}')


def lose_a_report(plan):
    page_of(plan, "east").unlink()


@pytest.mark.parametrize("change", [change_config, change_notebook, change_company, lose_a_report])
def test_what_decides_the_report_makes_it_run_again(plan, kernel, change):
    go(plan)
    east = {"regions": {"east": NAMES["east"]}}
    change(plan)
    assert go(plan, **east)[0] == {"east": "published"}
    assert go(plan, **east)[0] == {"east": "unchanged"}


@pytest.mark.parametrize(
    "changed",
    [
        {"prepared": "prepared-2"},
        {"as_of": "2026-01-02"},
        {"languages": ("en", "zh")},
        {"notebooks": ("01_customers",)},
    ],
)
def test_another_plan_makes_it_run_again(plan, kernel, changed):
    alone = {"regions": {"east": NAMES["east"]}}
    go(plan, **alone)
    assert go(plan, **alone, **changed)[0] == {"east": "published"}
    assert go(plan, **alone, **changed)[0] == {"east": "unchanged"}


def test_a_saved_notebook_with_the_same_cells_changes_nothing(plan, kernel):
    go(plan)
    path = plan.notebook("01_customers")
    nb = json.loads(path.read_text())
    nb["cells"][1] |= {"execution_count": 7}
    path.write_text(json.dumps(nb))
    assert set(go(plan)[0].values()) == {"unchanged"}


def test_the_last_good_report_stays_and_the_portal_says_so(plan, kernel):
    alone = {"regions": {"east": NAMES["east"]}}
    go(plan, **alone)
    kernel.fails = {"east"}
    go(plan, **alone, force=True)
    assert page_of(plan, "east").is_file()
    (entry,) = portal.entries(plan.out, "zh")
    assert (entry["status"], entry["name"], entry["as_of"]) == ("stale", "华东", "2026-01-01")
    assert entry["reports"] == {"en": "east/2026-01-01/share/Demo-east-2026-01-01.en.html"}
    assert entry["message"] == "01_customers.ipynb [3]", "why may hold data, so only where"
    since = entry["since"]
    go(plan, **alone, as_of="2026-02-01")
    (entry,) = portal.entries(plan.out, "en")
    assert (entry["status"], entry["as_of"], entry["since"]) == ("stale", "2026-01-01", since)
    kernel.fails = set()
    go(plan, **alone)
    (entry,) = portal.entries(plan.out, "en")
    assert (entry["status"], entry["since"]) == ("good", None)
    assert not (plan.out / "east" / "failed.ipynb").exists()


def test_the_portal_lists_all_regions_ever_run_and_links_only_what_may_be_shared(plan, kernel):
    go(plan)
    kernel.fails = {"south"}
    go(plan, regions={"south": {"en": "South <b>", "zh": "华南"}})
    page = (plan.out / "index.html").read_text()
    assert [e["region"] for e in portal.entries(plan.out, "en")] == [
        "all",
        "east",
        "south",
        "west",
    ]
    assert "South &lt;b&gt;" in page
    links = {
        link for link in re.findall('href="([^"]+)"', page) if link[:5] not in ("#main", "data:")
    }
    named = {key: f"share/Demo-{key}-2026-01-01.en.html" for key in NAMES}
    assert links == {f"{key}/2026-01-01/{name}" for key, name in named.items()}
    assert all((plan.out / link).is_file() for link in links)


def test_a_second_business_is_refused_and_the_reports_of_the_first_stay(plan, kernel):
    go(plan, regions={"east": NAMES["east"]})
    before = {name: path.read_bytes() for name, path in files(plan.out).items()}
    kernel.ran.clear()
    config = plan.config.parent.parent / "other" / "demo.yaml"
    with pytest.raises(InputError, match=r"belongs to Demo \(demo\.yaml\), not to Another"):
        go(plan, business="Another", config=config, regions={"east": NAMES["east"]})
    assert kernel.ran == []
    assert {name: path.read_bytes() for name, path in files(plan.out).items()} == before


def test_pages_that_a_user_adds_stay(plan, kernel):
    go(plan, languages=("zh", "en"))
    for name in ("index.old.html", "notes.html", "east/notes.txt"):
        (plan.out / name).write_text("mine")
    go(plan, force=True)
    assert not (plan.out / "index.zh.html").exists()
    for name in ("index.old.html", "notes.html", "east/notes.txt"):
        assert (plan.out / name).read_text() == "mine"


def test_what_notebooks_leave_for_the_portal_stands_in_it(plan, kernel, monkeypatch):
    def leave(source, asked, output, limit, stop, tables):
        kept = {"n_customers": 1234, "net_sales": 57.2e6}
        left = json.dumps({"currency": "CNY", "horizon_weeks": 52, "values": kept})
        (Path(asked["run_dir"]) / "figures.json").write_text(left)
        return kernel(source, asked, output, limit, stop, tables)

    monkeypatch.setattr(region, "execute", leave)
    go(plan)
    entry = portal.entries(plan.out, "en")[0]
    assert list(entry["figures"].items()) == [("n_customers", 1234), ("net_sales", 57.2e6)]
    assert (entry["currency"], entry["horizon_weeks"]) == ("CNY", 52)
    page = (plan.out / "index.html").read_text()
    assert "1,234" in page and "¥57.2M" in page


def test_the_portal_has_an_edition_for_each_language(plan, kernel):
    go(plan, languages=("zh", "en"))
    pages = {path.name: path.read_text() for path in plan.out.glob("*.html")}
    assert sorted(pages) == ["index.en.html", "index.html", "index.zh.html"]
    assert pages["index.html"] == pages["index.zh.html"], "the first language's"
    assert "全公司" in pages["index.html"] and 'href="index.en.html"' in pages["index.html"]
    assert "Company" in pages["index.en.html"] and 'href="index.zh.html"' in pages["index.en.html"]
    for language in ("zh", "en"):
        link = f'href="east/2026-01-01/share/Demo-east-2026-01-01.{language}.html"'
        assert link in pages[f"index.{language}.html"]
    titles = [page_of(plan, "east", language).read_text() for language in ("zh", "en")]
    assert titles == ["Demo｜华东 (zh)", "Demo – East (en)"]
    go(plan)
    assert not (plan.out / "index.zh.html").exists()


def test_a_language_that_a_published_report_has_keeps_its_portal(plan, kernel):
    go(plan, languages=("en", "zh"))
    go(plan, regions={"east": NAMES["east"]}, as_of="2026-02-01")
    assert (plan.out / "index.zh.html").is_file(), "the reports of January lead to it"


def test_earlier_reports_are_linked_the_newest_three(plan, kernel):
    alone = {"regions": {"east": NAMES["east"]}}
    days = [f"2026-0{month}-01" for month in range(1, 6)]
    for day in days:
        go(plan, **alone, as_of=day)
    (entry,) = portal.entries(plan.out, "en")
    assert entry["as_of"] == days[-1]
    assert [each["as_of"] for each in entry["earlier"]] == days[3:0:-1]
    link = "east/2026-03-01/share/Demo-east-2026-03-01.en.html"
    assert entry["earlier"][1]["reports"] == {"en": link}
    assert f'href="{link}"' in (plan.out / "index.html").read_text()


def test_a_page_that_cannot_be_made_is_a_failure_of_that_region(plan, kernel, monkeypatch):
    from cvm_analysis.report import page

    def broken(path, title, language, links=()):
        if "East" in title:
            raise RuntimeError(f"cannot draw {path}")
        return title

    monkeypatch.setattr(page, "render", broken)
    states, events = go(plan)
    assert states == {"all": "published", "east": "failed", "west": "published"}
    assert str(plan.out) not in next(e.message for e in events if e.state == "failed")


def test_only_the_report_is_executed_once_per_language(plan):
    steps = list(region.steps(replace(plan, languages=("zh", "en"))))
    assert [tuple(step) for step in steps] == [
        ("01_customers", "zh", "01_customers"),
        ("09_strategy", "zh", "09_strategy"),
        ("09_strategy", "en", "09_strategy.en"),
    ]


@pytest.mark.parametrize(
    "changed",
    [
        {"regions": {"../west": NAMES["west"]}},
        {"regions": {"": NAMES["west"]}},
        {"as_of": "2026-02-30"},
        {"as_of": "../2026-01-01"},
        {"languages": ()},
        {"notebooks": ("02_missing",)},
    ],
)
def test_a_plan_that_cannot_be_used_is_refused_before_anything_runs(plan, kernel, changed):
    with pytest.raises(InputError):
        go(plan, **changed)
    assert kernel.ran == []
    assert not plan.out.exists()


@pytest.mark.parametrize("during", ["all", "east"])
def test_an_interrupt_ends_the_regions_and_leaves_nothing_half_made(
    plan, kernel, monkeypatch, during
):
    begun = threading.Event()

    def slow(source, asked, output, limit, stop, tables):
        if asked["region"] != during:
            return kernel(source, asked, output, limit, stop, tables)
        begun.set()
        assert stop.wait(30)
        raise region.Stopped

    monkeypatch.setattr(region, "execute", slow)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    main = threading.main_thread().ident
    interrupt = threading.Thread(
        target=lambda: (begun.wait(), signal.pthread_kill(main, signal.SIGINT))
    )
    interrupt.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            go(plan)
    finally:
        signal.signal(signal.SIGINT, before)
    assert hidden(plan.out / "all") == []
    assert not (plan.out / "all" / "failed.json").exists()


# Damaged files

DAMAGES = ["", "[]", "\0\0", '{"fingerprint": 1, "outputs": []}']
DAMAGED = [("run.json", damage) for damage in DAMAGES]
DAMAGED += [("desk/stamp.json", "{"), ("desk/tables/clusters.parquet", "PAR1")]


@pytest.mark.parametrize(("name", "damage"), DAMAGED)
def test_a_damaged_report_is_named_by_status_and_made_anew(plan, kernel, name, damage):
    go(plan)
    (plan.link("east") / name).write_text(damage)
    said = CliRunner().invoke(app, ["status", str(plan.out)])
    assert said.exit_code == 1
    assert f"damaged; 2026-01-01/{name} is damaged" in said.output.splitlines()[1]
    states, _ = go(plan)
    assert (states["east"], states["west"]) == ("published", "unchanged")
    assert company(plan)["missing"] == [] and portal.entries(plan.out, "en")[1]["status"] == "good"
    assert set(go(plan)[0].values()) == {"unchanged"}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_failure_does_not_break_status_or_runs(plan, kernel, damage):
    kernel.fails = {"east"}
    go(plan)
    (plan.out / "east" / "failed.json").write_text(damage)
    said = CliRunner().invoke(app, ["status", str(plan.out)])
    assert said.exit_code == 1 and said.output.splitlines()[-1] == "all: without East"
    assert go(plan)[0]["east"] == "failed"
    assert portal.entries(plan.out, "en")[1]["message"] == "01_customers.ipynb [3]"


def test_cut_thresholds_of_all_are_not_lent_and_made_anew(plan, kernel):
    go(plan)
    (plan.link("all") / "desk" / "reference.json").write_text('{"found')
    go(plan, regions={"east": NAMES["east"]})
    assert kernel.lent["east"] is None
    assert go(plan)[0] == {"all": "published", "east": "published", "west": "unchanged"}
    assert kernel.lent["east"] == {"found in": "all"}


# A machine that fails

FAULT = {"under": (), "error": errno.ENOSPC}
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def watch(event, args):
    """Let every write fail under some paths, as on a full disk or without permission."""
    if event in ("open", "os.mkdir", "os.rename", "os.symlink") and isinstance(args[0], str | Path):
        writes = event != "open" or (args[2] or 0) & WRITES
        if writes and str(args[0]).startswith(FAULT["under"]):
            raise OSError(FAULT["error"], os.strerror(FAULT["error"]), str(args[0]))


@pytest.fixture(scope="module")
def audited():
    sys.addaudithook(watch)  # cannot be removed, but does nothing without a path


@pytest.fixture
def broken(audited):
    yield lambda *paths: FAULT.update(under=tuple(map(str, paths)))
    FAULT["under"] = ()


@pytest.mark.parametrize("key", ["all", "east"])
def test_where_one_region_cannot_be_written_the_others_and_the_portal_are(
    plan, kernel, broken, key
):
    broken(plan.out / key)
    states, events = go(plan)
    assert states == dict.fromkeys(NAMES, "published") | {key: "failed"}
    said = [event.message for event in events if event.state == "failed"]
    assert len(said) == 1 and "No space left on device" in said[0]
    assert "West" in (plan.out / "index.html").read_text()


def test_on_a_disk_that_is_full_later_the_last_good_reports_stay(plan, kernel, broken):
    go(plan)
    before = {key: plan.link(key).readlink() for key in NAMES}
    broken(*(plan.out / key for key in NAMES), plan.out / "index", plan.out / ".index")
    outcome = fan_out.run(replace(plan, force=True), lambda event: None)
    assert {each.region for each in outcome.failed} == set(NAMES)
    assert "No space left on device" in outcome.portal_failure
    assert {key: plan.link(key).readlink() for key in NAMES} == before
    broken()
    assert set(go(plan)[0].values()) == {"unchanged"}
    assert [hidden(plan.out / key) for key in NAMES] == [[before[key].name] for key in NAMES]


def test_where_nothing_can_be_written_the_run_does_not_start(plan, kernel, broken, tmp_path):
    broken(plan.out)
    with pytest.raises(OSError, match="No space left on device"):
        go(plan)
    assert kernel.ran == []


def test_a_log_on_a_full_disk_stops_no_run(plan, kernel):
    def full(event):
        raise OSError(errno.ENOSPC, "No space left on device")

    assert fan_out.run(plan, full).failed == ()


def test_what_is_not_done_within_the_time_of_the_run_fails(plan, kernel):
    go(plan, regions={"all": NAMES["all"], "east": NAMES["east"]})
    kernel.ran.clear()
    states, events = go(plan, ends_at=time.monotonic())
    assert states == {"all": "unchanged", "east": "unchanged", "west": "failed"}
    assert kernel.ran == [] and (plan.out / "index.html").is_file()
    assert {each.message for each in events if each.state == "failed"} == {
        "not done within the time of the run (--run-minutes)"
    }


def test_a_second_run_waits_for_the_first_and_finds_its_work_done(plan, kernel, monkeypatch):
    begun, both, states = threading.Event(), threading.Event(), {}

    def slow(source, asked, output, limit, stop, tables):
        begun.set()
        assert both.wait(30)
        return kernel(source, asked, output, limit, stop, tables)

    def second():
        def note(event):
            if event.state == "waiting":
                both.set()

        begun.wait(30)
        outcome = fan_out.run(plan, note)
        states["second"] = {each.region: each.state for each in outcome.results}

    monkeypatch.setattr(region, "execute", slow)
    thread = threading.Thread(target=second)
    thread.start()
    states["first"] = go(plan)[0]
    thread.join(30)
    assert set(states["first"].values()) == {"published"}
    assert set(states["second"].values()) == {"unchanged"}
    assert len(kernel.ran) == 2 * len(NAMES)


def test_who_waits_for_another_run_ends_with_its_own_time(plan, kernel):
    (plan.out / region_lock.RUNNING).mkdir(parents=True)
    with atomic_folder.file_lock(plan.out / region_lock.RUNNING / "east.lock"):
        states, _ = go(plan, ends_at=time.monotonic() + 1)
    assert states["east"] == "failed"


def test_a_clock_that_goes_back_changes_nothing(plan, kernel):
    kernel.fails = {"east"}
    go(plan)
    path = plan.out / "east" / "failed.json"
    failed = json.loads(path.read_text()) | {"since": "2099-01-01T00:00:00+00:00"}
    path.write_text(json.dumps(failed))
    go(plan)
    assert portal.entries(plan.out, "en")[1]["since"] == "2099-01-01T00:00:00+00:00"
    kernel.fails = set()
    assert go(plan)[0]["east"] == "published"
    assert set(go(plan)[0].values()) == {"unchanged"}


def test_after_a_crash_only_what_is_missing_is_made_and_nothing_is_left(plan, kernel, monkeypatch):
    def die(source, asked, output, limit, stop, tables):
        if asked["region"] == "west":
            atomic_folder.write(plan.out / "west" / "failed.json", "x" * 10_000)
            os._exit(9)
        return kernel(source, asked, output, limit, stop, tables)

    child = os.fork()
    if child == 0:
        monkeypatch.setattr(region, "execute", die)
        go(plan)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    (plan.out / "west" / ".failed.json-0123456789ab.writing").write_text("ha")
    assert hidden(plan.out / "west") != []
    states, _ = go(plan)
    assert states == {"all": "published", "east": "unchanged", "west": "published"}
    for key in NAMES:
        assert hidden(plan.out / key) == [plan.link(key).readlink().name]
    assert not (plan.out / "west" / "failed.json").exists()


SHOW = """
from cvm_analysis.errors import CvmError
print("written to", run_dir, "from", config, CvmError.__module__)
import sys, warnings
warnings.warn("from " + sys.prefix)
"""
LEAVE = """
import os, pathlib
pathlib.Path(run_dir, "pids").write_text(str(os.getpid()))
"""


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """One region for real: three executions, pages, manifest."""
    project = tmp_path_factory.mktemp("project & 项目")
    write_notebook(project / "notebooks", "01_customers", SHOW, LEAVE)
    write_notebook(project / "notebooks", "09_strategy", "language")
    config = project / "config" / "demo.yaml"
    config.parent.mkdir()
    config.write_text("business: Demo\n")
    plan = Plan(
        business="Demo",
        config=config,
        config_files=(config,),
        notebooks_folder=project / "notebooks",
        notebooks=("01_customers", "09_strategy"),
        regions={"east": NAMES["east"]},
        company_regions={"east": NAMES["east"]},
        as_of="2026-01-01",
        out=project / "reports",
        ledger=project / "ledger",
        languages=("en", "zh"),
        prepared="prepared-1",
        inputs={str(project / "data" / "sales.csv"): "ab" * 32},
    )
    plan.out.mkdir(mode=0o755)
    outcome = fan_out.run(plan, lambda event: None)
    assert outcome.failed == ()
    return plan


def files(folder):
    return {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}


def test_for_real_a_region_holds_what_it_promises(published):
    link = published.link("east")
    found = files(link)
    assert set(found) == {
        "run.json",
        "share/Demo-east-2026-01-01.en.html",
        "share/Demo-east-2026-01-01.zh.html",
        "desk/pids",
        "desk/stamp.json",
        "desk/tables/ledger.parquet",
        "desk/tables/earlier_reports.parquet",
        "desk/done/01_customers.json",
        "desk/done/09_strategy.en.json",
        "desk/done/09_strategy.zh.json",
        *(
            f"desk/notebooks/{stem}.{kind}"
            for stem in ("01_customers", "09_strategy", "09_strategy.zh")
            for kind in ("ipynb", "html")
        ),
    }
    assert "华东" in found["share/Demo-east-2026-01-01.zh.html"].read_text()
    assert '"zh"' in found["desk/notebooks/09_strategy.zh.ipynb"].read_text().replace("\\", "")
    assert stat.S_IMODE((link / "desk").stat().st_mode) == 0o700
    assert stat.S_IMODE(link.stat().st_mode) == stat.S_IMODE(link.parent.stat().st_mode)
    private = {stat.S_IMODE(p.stat().st_mode) for n, p in found.items() if n.startswith("desk/")}
    assert private == {0o600}


def test_for_real_no_path_of_this_machine_is_published(published):
    project = published.out.parent
    secrets = {str(project), json.dumps(str(project))[1:-1], sys.prefix, str(Path.home())}
    for name, path in files(published.out).items():
        text = path.read_bytes().decode(errors="replace")
        assert not [secret for secret in secrets if secret in text], name
    shown = (published.link("east") / "desk/notebooks/01_customers.ipynb").read_text()
    assert "written to .. from config/demo.yaml cvm_analysis.errors" in shown
    assert "UserWarning: from python" in shown


def test_for_real_the_manifest_names_what_it_was_made_from(published):
    from hashlib import sha256

    link = published.link("east")
    made = json.loads((link / "run.json").read_text())
    assert made["inputs"] == {"sales.csv": "ab" * 32}
    assert made["config"] == {"demo.yaml": sha256(b"business: Demo\n").hexdigest()}
    outputs = {name: sha256(p.read_bytes()).hexdigest() for name, p in files(link).items()}
    del outputs["run.json"]
    assert made["outputs"] == outputs
    assert [each["status"] for each in made["notebooks"]] == ["good"] * 3
    assert (made["region"], made["as_of"], made["seed"]) == ("east", "2026-01-01", 0)


def test_for_real_a_signal_ends_all_processes_and_leaves_nothing_half_made(plan, tmp_path):
    """Also what a notebook started in a session of its own."""
    pids = tmp_path / "pids"
    start = (
        "import os, pathlib, subprocess, time; "
        "other = subprocess.Popen(['sleep', '600'], start_new_session=True); "
        f"pathlib.Path({str(pids)!r}).write_text(f'{{os.getpid()}} {{other.pid}}')"
    )
    write_notebook(plan.notebooks_folder, "01_customers", start, "time.sleep(600)")
    code = (
        "from pathlib import PosixPath; from cvm_analysis import endings; "
        "from cvm_analysis.run import fan_out; from cvm_analysis.run.plan import Plan\n"
        f"with endings.orderly(): fan_out.run({plan!r}, lambda event: None)"
    )
    code = code.replace("ends_at=inf", "ends_at=float('inf')")
    runner = subprocess.Popen([sys.executable, "-c", code])
    started = [int(pid) for pid in wait_for(pids).split()]
    runner.send_signal(signal.SIGHUP)
    assert runner.wait(20) == 128 + signal.SIGHUP
    assert all(is_gone(pid) for pid in started)
    assert hidden(plan.out / "all") == []
    assert [path.name for path in plan.out.iterdir() if path.name[0] != "."] == ["all"]
