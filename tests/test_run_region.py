"""Notebooks of a region run side by side where they may, and only as many as there are slots."""

import json
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_notebooks import write_notebook

from cvm_analysis import notebooks
from cvm_analysis.run import fan_out, region
from cvm_analysis.run.notebook import Finished
from cvm_analysis.run.plan import Failure, Plan, Stopped

SECONDS = 30
# What each notebook waits for: 03 fills the table of segments that 05 reads, 06 starts from values.
AFTER = {
    "01_customers": set(),
    "02_segments": {"01_customers"},
    "03_grades": {"01_customers", "02_segments"},
    "04_clusters": {"01_customers"},
    "05_value": {"01_customers", "03_grades"},
    "06_churn": {"01_customers", "02_segments", "05_value"},
    "09_strategy": {"02_segments", "03_grades", "04_clusters", "05_value", "06_churn"},
}


class Notebooks:
    """Stands in for `execute`: notes when each begins and ends, and can meet, fail or hang."""

    def __init__(self):
        self.lock, self.log, self.running, self.most = threading.Lock(), [], set(), 0
        self.meet, self.fails, self.hangs = {}, set(), set()

    def __call__(self, source, asked, output, limit, stop, tables):
        each = (asked["region"], source.stem, asked["language"])
        with self.lock:
            self.log.append(("begins", each))
            self.running.add(each)
            self.most = max(self.most, len(self.running))
        if source.stem in self.meet:
            self.meet[source.stem].wait(SECONDS)
        time.sleep(0.05)
        if source.stem in self.hangs:
            assert stop.wait(SECONDS)
        with self.lock:
            self.log.append(("ends", each))
            self.running.remove(each)
        if stop.is_set():
            raise Stopped
        output.write_bytes(source.read_bytes())
        failure = Failure("cell_error", "broken", 3, source.stem) if self.fails & {*each} else None
        name = notebooks.signature(source.stem, asked["language"])
        signed = Path(asked["run_dir"]) / "done" / name
        signed.parent.mkdir(exist_ok=True)
        signed.write_text(json.dumps({"parameters": asked, "notes": []}))
        return Finished(source.stem, 0.1, 1, failure)

    def begun(self, key):
        return [stem for what, (where, stem, _) in self.log if (what, where) == ("begins", key)]


@pytest.fixture
def executed(monkeypatch):
    from cvm_analysis.report import page

    executed = Notebooks()
    monkeypatch.setattr(region, "execute", executed)
    monkeypatch.setattr(page, "render", lambda path, title, language, links=(): title)
    return executed


@pytest.fixture
def plan(tmp_path):
    for stem in AFTER:
        write_notebook(tmp_path / "notebooks", stem, "1 + 1")
    (tmp_path / "demo.yaml").write_text("business: Demo\n")
    return Plan(
        business="Demo",
        config=tmp_path / "demo.yaml",
        config_files=(tmp_path / "demo.yaml",),
        notebooks_folder=tmp_path / "notebooks",
        notebooks=tuple(AFTER),
        regions={key: {"en": key, "zh": key} for key in ("all", "east", "north", "west")},
        company_regions={key: {"en": key, "zh": key} for key in ("east", "north", "west")},
        as_of="2026-01-01",
        out=tmp_path / "reports",
        ledger=tmp_path / "ledger",
        languages=("en", "zh"),
        prepared="prepared-1",
    )


def go(plan, **changes):
    outcome = fan_out.run(replace(plan, **changes), lambda event: None)
    return {result.region: result for result in outcome.results}


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_a_notebook_begins_when_those_it_reads_from_have_ended_and_a_slot_is_free(
    plan, executed, jobs
):
    results = go(plan, jobs=jobs)
    assert {result.state for result in results.values()} == {"published"}
    assert executed.most == jobs
    ended = set()
    for what, (key, stem, language) in executed.log:
        if what == "begins":
            assert {(key, before, "en") for before in AFTER[stem]} <= ended
            assert key == "all" or ("all", "06_churn", "en") in ended
            assert (key, stem) != ("all", "09_strategy") or ("west", stem, "zh") in ended
        else:
            ended.add((key, stem, language))
    assert len(ended) == len(plan.regions) * (len(AFTER) + 1)


def test_what_does_not_depend_on_each_other_runs_side_by_side(plan, executed):
    clusters, report = threading.Barrier(2), threading.Barrier(2)
    executed.meet = {"02_segments": clusters, "04_clusters": clusters, "09_strategy": report}
    (result,) = go(plan, jobs=2, regions={"east": plan.regions["east"]}).values()
    assert result.state == "published", "neither waited for the other in vain"


def test_the_manifest_lists_notebooks_in_their_order_not_in_that_of_their_ends(plan, executed):
    go(plan, jobs=2)
    made = json.loads((plan.link("east") / "run.json").read_text())
    assert [each["notebook"] for each in made["notebooks"]] == [*AFTER, "09_strategy"]
    assert "desk/done/09_strategy.zh.json" in made["outputs"]


def test_a_failing_notebook_ends_those_beside_it_and_no_other_begins(plan, executed):
    both = threading.Barrier(2)
    executed.meet = {"02_segments": both, "04_clusters": both}
    executed.fails, executed.hangs = {"02_segments"}, {"04_clusters"}
    (result,) = go(plan, jobs=2, regions={"east": plan.regions["east"]}).values()
    assert (result.state, result.failure.notebook) == ("failed", "02_segments")
    first, *beside = executed.begun("east")
    assert (first, {*beside}) == ("01_customers", {"02_segments", "04_clusters"})
    assert executed.running == set()
    left = {path.name for path in plan.link("east").parent.iterdir()} - {".lock"}
    assert left == {"failed.ipynb", "failed.json"}


def test_a_region_that_fails_does_not_stop_the_others(plan, executed):
    executed.fails = {"north"}
    states = {key: result.state for key, result in go(plan, jobs=2).items()}
    assert states == {
        "all": "published",
        "east": "published",
        "north": "failed",
        "west": "published",
    }
    assert executed.begun("north") == ["01_customers"]


def test_a_report_that_shows_a_personal_value_is_not_published(plan, executed, tmp_path):
    from cvm_analysis.personal import known

    key = known.derive(b"a key for tests, no secret")
    known.save(tmp_path, ["nobody 1234567"], key)
    assert "failed" not in {
        each.state for each in go(plan, personal=known.load(tmp_path, key)).values()
    }
    path = plan.notebooks_folder / "01_customers.ipynb"
    path.write_text(path.read_text("utf-8").replace("# Why?", "# Why nobody 1234567?"), "utf-8")
    before = {region: plan.link(region).resolve() for region in plan.regions}
    found = go(plan, personal=known.load(tmp_path, key)).values()
    assert {each.state for each in found} == {"failed"}
    assert all("nothing is published" in str(each.failure) for each in found)
    assert {region: plan.link(region).resolve() for region in plan.regions} == before
