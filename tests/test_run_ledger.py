"""The ledger has what was published and nothing else, and a later run is given it."""

import json
import os
import re
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from tiny_notebooks import write_notebook

import cvm_analysis
from cvm_analysis import atomic_folder, notebooks
from cvm_analysis.errors import InputError
from cvm_analysis.run import fan_out, ledger, manifest, region
from cvm_analysis.run.notebook import Finished
from cvm_analysis.run.plan import Job, Plan
from cvm_analysis.tables import TABLES, check

FIRST, SECOND = "2026-01-31", "2026-02-28"
KEYS = ("all", "east", "west")


def actions(*customers):
    """Table `actions`: columns that the ledger takes over, others empty."""
    others = TABLES["actions"].columns if "actions" in TABLES else ()
    return pd.DataFrame(
        dict.fromkeys(others, "")
        | {
            "customer_id": list(customers),
            "action": "call",
            "region": "?",
            "rank": 1,
            "arm": "",
            "owner": "sales",
            "channel": "phone",
            "due_on": pd.Timestamp("2026-02-07"),
            "cost": 25.0,
            "base": 100.0,
            "window_base": 25.0,
            "expected_gain": 8.0,
            "forecast": 10.0,
            "measure": "margin",
            "window_days": 90.0,
            "evidence": "assumed",
            "in_plan": True,
        }
    )


DRAWS = pd.DataFrame(
    {"region": "r", "segment": "s", "draw": [0, 1], "purchases": 1.0, "margin": 1.0}
).assign(company_error=[0.1, -0.1], region_error=[0.2, -0.2], n_past_periods=0)


class Business:
    """A business of two regions whose one notebook recommends what `lists` says of a region."""

    def __init__(self, folder):
        self.lists = {"east": ("e1", "e2"), "west": ("w1",)}
        self.net_sales = 1000.0  # that the reports say
        self.during = lambda: None  # what happens while a notebook runs
        self.runs = []
        names = {key: {"en": key} for key in KEYS}
        write_notebook(folder / "notebooks", "09_strategy", "1 + 1")
        (folder / "config").mkdir()
        (folder / "config" / "demo.yaml").write_text("business: Demo\n")
        self.plan = Plan(
            business="Demo",
            config=folder / "config" / "demo.yaml",
            config_files=(folder / "config" / "demo.yaml",),
            notebooks_folder=folder / "notebooks",
            notebooks=("09_strategy",),
            regions=names,
            company_regions={key: names[key] for key in ("east", "west")},
            as_of=FIRST,
            out=folder / "reports",
            ledger=folder / "data" / "ledger" / "demo",
            languages=("en",),
            prepared="prepared-1",
        )

    def execute(self, source, asked, output, limit, stop, tables):
        self.runs.append(asked["region"])
        self.during()
        desk = Path(asked["run_dir"])
        lists = {**self.lists, "all": [each for some in self.lists.values() for each in some]}
        table = actions(*lists[asked["region"]])
        table.to_parquet(desk / "tables" / "actions.parquet")
        figures = pd.DataFrame({"figure": ["net_sales"], "value": self.net_sales})
        figures = figures.assign(model="", settings="")
        figures.to_parquet(desk / "tables" / "report_figures.parquet")
        DRAWS.assign(region=asked["region"]).to_parquet(desk / "tables" / "value_draws.parquet")
        output.write_bytes(source.read_bytes())
        signed = desk / "done" / notebooks.signature(source.stem, asked["language"])
        signed.parent.mkdir(exist_ok=True)
        signed.write_text(json.dumps({"parameters": asked, "notes": []}))
        return Finished(source.stem, 0.1, 1)

    def run(self, as_of=FIRST, **changes):
        """Run all regions of a day; return what came of each."""
        plan = replace(self.plan, as_of=as_of, **changes)
        outcome = fan_out.run(plan, lambda event: None)
        return {each.region: str(each.failure or each.state) for each in outcome.results}

    def job(self, key="east", as_of=FIRST):
        return Job(replace(self.plan, as_of=as_of), key, None)

    def recorded(self):
        """Customers in each file of the ledger."""
        files = sorted(self.plan.ledger.glob("*/[!.]*.parquet"))
        return {f"{p.parent.name} {p.stem}": customers(p) for p in files}

    def figures(self):
        """Net sales in each file of figures of the ledger."""
        files = sorted(self.plan.ledger.glob("*/figures/[!.]*.parquet"))
        found = {f"{p.parent.parent.name} {p.stem}": pd.read_parquet(p) for p in files}
        return {name: table["value"].tolist() for name, table in found.items()}

    def earlier_reports(self, key, as_of):
        """What of earlier reports a run of a region was given."""
        desk = self.plan.out / key / as_of / "desk"
        return pd.read_parquet(desk / "tables" / "earlier_reports.parquet")

    def handed_in(self, key, as_of):
        return self.plan.out / key / as_of / "desk" / "tables" / "ledger.parquet"

    def left(self):
        """Hidden files of the ledger, without locks."""
        found = {p.name for p in self.plan.ledger.rglob(".*")}
        return found - {atomic_folder.LOCK, ".owner.json"}


def customers(path):
    return pd.read_parquet(path)["customer_id"].tolist()


@pytest.fixture
def business(tmp_path, monkeypatch):
    from cvm_analysis.report import page

    made = Business(tmp_path)
    monkeypatch.setattr(region, "execute", made.execute)
    monkeypatch.setattr(page, "render", lambda path, title, language, links=(): title)
    return made


PUBLISHED = dict.fromkeys(KEYS, "published")
UNCHANGED = dict.fromkeys(KEYS, "unchanged")
BOTH = {"east 2026-01-31": ["e1", "e2"], "west 2026-01-31": ["w1"]}


def test_what_was_published_is_recorded_and_handed_to_later_days_alone(business):
    assert business.run() == PUBLISHED
    assert business.recorded() == BOTH
    for key in KEYS:
        assert customers(business.handed_in(key, FIRST)) == []
    business.lists["east"] = ("e3",)
    assert business.run(SECOND) == PUBLISHED
    assert business.recorded() == BOTH | {"east 2026-02-28": ["e3"], "west 2026-02-28": ["w1"]}
    assert customers(business.handed_in("east", SECOND)) == ["e1", "e2"]
    assert customers(business.handed_in("all", SECOND)) == ["e1", "e2", "w1"]
    assert business.left() == set()
    rows = pd.read_parquet(business.handed_in("all", SECOND))
    check("ledger", rows)
    assert rows["region"].tolist() == ["east", "east", "west"]
    assert set(rows["as_of"]) == {pd.Timestamp(FIRST)}
    assert rows["forecast_error"].tolist() == pytest.approx([0.3] * 3), "of both errors"


def test_without_rows_an_empty_table_with_the_right_types_is_handed_in(business):
    business.run()
    table = pd.read_parquet(business.handed_in("all", FIRST))
    check("ledger", table)
    assert table.empty and list(table) == list(TABLES["ledger"].columns)
    assert table["as_of"].dtype == table["due_on"].dtype == "datetime64[ns]"
    assert table["base"].dtype == float and table["customer_id"].dtype == object


def test_a_day_that_is_run_again_replaces_its_rows(business):
    business.run()
    business.run(SECOND)
    business.lists |= {"east": ("e9",), "west": ()}
    assert business.run(force=True) == PUBLISHED
    assert business.recorded()["east 2026-01-31"] == ["e9"]
    assert business.recorded()["west 2026-01-31"] == []
    assert business.recorded()["east 2026-02-28"] == ["e1", "e2"]


def test_a_report_is_unchanged_unless_lists_of_an_earlier_day_changed(business):
    business.run()
    business.run(SECOND)
    assert business.run() == business.run(SECOND) == UNCHANGED
    business.run(force=True)
    assert business.run(SECOND) == UNCHANGED, "the same lists again"
    business.lists["east"] = ("e9",)
    business.run(force=True)
    assert business.run(SECOND) == PUBLISHED | {"west": "unchanged"}
    assert customers(business.handed_in("all", SECOND)) == ["e9", "w1"]
    assert business.run() == UNCHANGED, "later lists do not matter"


def test_what_is_not_published_is_not_recorded(business, monkeypatch):
    business.run()

    def fail(folder, link):
        raise OSError("disk full")

    business.lists["east"] = ("e9",)
    with monkeypatch.context() as broken:
        broken.setattr(atomic_folder, "publish", fail)
        assert business.run(force=True)["east"] == "OSError: disk full"
    assert business.recorded() == BOTH and business.left() == set()


def test_a_report_that_fails_does_not_bring_back_an_older_one(business, monkeypatch, tmp_path):
    """Reports of one business in two folders: the ledger keeps the rows published last."""
    business.run()
    business.plan.config.write_text("business: Demo\ncompare_days: 7\n")
    business.lists["east"] = ("e9",)
    assert business.run(out=tmp_path / "others") == PUBLISHED
    monkeypatch.setattr(atomic_folder, "publish", lambda folder, link: 1 / 0)
    assert "ZeroDivisionError" in business.run()["east"]
    assert business.recorded() == BOTH | {"east 2026-01-31": ["e9"]} and business.left() == set()


def test_what_fails_after_it_was_published_is_recorded(business, monkeypatch):
    publish = atomic_folder.publish

    def publish_and_fail(folder, link):
        publish(folder, link)
        raise OSError("no more room")

    monkeypatch.setattr(atomic_folder, "publish", publish_and_fail)
    business.run()
    assert business.recorded() == BOTH and business.left() == set()


def kill_when(business, publishes, monkeypatch, as_of=FIRST):
    """Run in a process that is killed at publishing `east`, before or after the link is set."""
    publish = atomic_folder.publish

    def publish_and_die(folder, link):
        if publishes:
            publish(folder, link)
        os._exit(9)

    child = os.fork()
    if child == 0:
        monkeypatch.setattr(atomic_folder, "publish", publish_and_die)
        business.run(as_of, regions={"east": {"en": "east"}}, force=True)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def test_a_process_killed_after_publishing_leaves_its_rows_to_the_next_run(business, monkeypatch):
    business.run()
    business.lists["east"] = ("e9",)
    kill_when(business, True, monkeypatch)
    assert business.recorded() == BOTH and business.left() == {".2026-01-31.json"}
    assert business.run(SECOND)["east"] == "published", "of whatever day"
    assert business.recorded()["east 2026-01-31"] == ["e9"] and business.left() == set()
    assert customers(business.handed_in("east", SECOND)) == ["e9"]


def test_a_process_killed_before_publishing_leaves_the_rows_as_they_were(business, monkeypatch):
    business.run()
    business.lists["east"] = ("e9",)
    kill_when(business, False, monkeypatch)
    business.lists["east"] = ("e1", "e2")
    assert business.run() == UNCHANGED
    assert business.recorded() == BOTH and business.left() == set()


def test_a_file_that_was_lost_is_written_again_from_its_report(business):
    business.run()
    (business.plan.ledger / "east" / f"{FIRST}.parquet").unlink()
    assert business.run() == UNCHANGED
    assert business.recorded() == BOTH


def test_another_business_is_refused_and_nothing_changes(business, tmp_path):
    business.run()
    before = business.recorded()
    other = tmp_path / "other" / "demo.yaml"
    other.parent.mkdir()
    other.write_text("business: Other\n")
    said = (
        f"{business.plan.ledger}: belongs to Demo (demo.yaml), not to Other (demo.yaml); "
        "name another folder under `ledger` in this config, or"
    )
    with pytest.raises(InputError, match=re.escape(said)):
        business.run(business="Other", config=other, out=tmp_path / "others")
    assert business.recorded() == before and len(business.runs) == len(KEYS)


def test_rows_that_change_during_a_run_are_said(business):
    business.run()

    def change():
        path = business.plan.ledger / "east" / f"{FIRST}.parquet"
        pd.read_parquet(path).head(1).to_parquet(path, index=False)

    business.during = change
    said = "config, notebooks, program or ledger changed during the run; run it again"
    assert business.run(SECOND)["east"] == said
    assert "east 2026-02-28" not in business.recorded()


def test_two_processes_that_publish_a_region_wait_for_each_other(business, tmp_path):
    business.plan.ledger.mkdir(parents=True)
    desk = tmp_path / "desk"
    (desk / "tables").mkdir(parents=True)
    actions("e1").to_parquet(desk / "tables" / "actions.parquet")
    inside, entered = threading.Event(), threading.Event()

    def second():
        with ledger.record(business.job(as_of=SECOND), desk, "two"):
            entered.set()

    with ledger.record(business.job(), desk, "one"):
        thread = threading.Thread(target=second)
        thread.start()
        inside.set()
        assert not entered.wait(0.3)
    thread.join(30)
    assert entered.is_set() and business.left() == set()
    assert business.recorded() == {}, "neither report was published"


def test_rows_of_an_earlier_version_lack_columns_and_are_read(business):
    business.run()
    path = business.plan.ledger / "east" / f"{FIRST}.parquet"
    pd.read_parquet(path).drop(columns="evidence").to_parquet(path, index=False)
    assert business.run(SECOND) == PUBLISHED
    found = pd.read_parquet(business.handed_in("all", SECOND))
    assert found["evidence"].isna().tolist() == [True, True, False]


def test_a_business_without_actions_has_no_rows(business):
    business.execute = None
    assert ledger._files("east", FIRST, business.plan.out) == {}
    ledger.restore(business.job())
    assert not (business.plan.ledger / "east").exists()


def test_only_the_owner_may_read_the_rows_and_no_path_of_this_machine_is_in_them(business):
    business.run()
    path = business.plan.ledger / "east" / f"{FIRST}.parquet"
    assert path.stat().st_mode & 0o077 == path.parent.stat().st_mode & 0o077 == 0
    assert str(business.plan.out) not in path.read_bytes().decode(errors="replace")


def test_reports_may_move_together_with_their_ledger(business, monkeypatch, tmp_path):
    """The note names the report by the way from the ledger to it."""
    kill_when(business, True, monkeypatch)
    moved = tmp_path / "moved"
    moved.mkdir()
    for name in ("data", "reports", "config", "notebooks"):
        shutil.move(tmp_path / name, moved / name)
    ledger.claim(
        replace(
            business.plan,
            ledger=moved / "data" / "ledger" / "demo",
            config=moved / "config" / "demo.yaml",
        )
    )
    assert (moved / "data" / "ledger" / "demo" / "east" / f"{FIRST}.parquet").is_file()


def test_a_file_in_place_of_the_ledger_is_said(business):
    business.plan.ledger.parent.mkdir(parents=True)
    business.plan.ledger.write_text("mine")
    with pytest.raises(InputError, match="demo: not a folder; choose another one"):
        business.run()


def test_the_manifest_names_what_was_handed_in_by_its_digest(business):
    business.run()
    business.run(SECOND)
    first, second = (manifest.read(business.plan.out / "east" / day) for day in (FIRST, SECOND))
    assert first["ledger"] != second["ledger"] and len(second["ledger"]) == 64


SAID = {f"{key} {FIRST}": [1000.0] for key in KEYS}


def test_figures_of_each_report_are_kept_and_handed_to_later_reports_of_the_region(business):
    business.run()
    assert business.figures() == SAID
    nothing = business.earlier_reports("east", FIRST)
    check("earlier_reports", nothing)
    assert nothing.empty and nothing["as_of"].dtype == "datetime64[ns]"
    business.net_sales = 1100.0
    business.run(SECOND)
    assert business.figures() == SAID | {f"{key} {SECOND}": [1100.0] for key in KEYS}
    for key in KEYS:
        rows = business.earlier_reports(key, SECOND)
        check("earlier_reports", rows)
        assert rows["region"].tolist() == [key] and rows["value"].tolist() == [1000.0]
        assert rows["as_of"].tolist() == [pd.Timestamp(FIRST)]
        assert rows["program"].tolist() == [cvm_analysis.__version__]


def test_a_day_that_is_run_again_replaces_its_figures_and_later_ones_follow(business):
    business.run()
    business.run(SECOND)
    business.net_sales = 900.0
    business.run(force=True)
    assert business.figures() == {f"{key} {FIRST}": [900.0] for key in KEYS} | {
        f"{key} {SECOND}": [1000.0] for key in KEYS
    }
    assert business.earlier_reports("east", FIRST).empty, "later reports do not matter"
    assert business.run(SECOND) == PUBLISHED, "they were compared with other figures"


def test_figures_that_were_lost_are_written_again_from_their_report(business):
    business.run()
    for key in ("east", "all"):
        (business.plan.ledger / key / "figures" / f"{FIRST}.parquet").unlink()
    business.run(regions={"east": {"en": "east"}})
    assert business.figures() == {name: SAID[name] for name in (f"east {FIRST}", f"west {FIRST}")}


def test_figures_of_a_report_that_was_not_published_are_not_kept(business, monkeypatch):
    business.run()
    business.net_sales = 900.0
    monkeypatch.setattr(atomic_folder, "publish", lambda folder, link: 1 / 0)
    business.run(force=True)
    assert business.figures() == SAID


def test_a_process_killed_after_publishing_leaves_its_figures_to_the_next_run(
    business, monkeypatch
):
    business.run()
    business.net_sales = 900.0
    kill_when(business, True, monkeypatch)
    assert business.figures() == SAID
    ledger.claim(business.plan)
    assert business.figures() == SAID | {f"east {FIRST}": [900.0]}
    path = business.plan.ledger / "east" / "figures"
    assert path.stat().st_mode & 0o077 == (path / f"{FIRST}.parquet").stat().st_mode & 0o077 == 0


def test_a_ledger_keeps_the_check_value_of_its_key_and_refuses_another(business):
    business.run(key_check="first")
    path = business.plan.ledger / ".key.json"
    assert json.loads(path.read_text()) == {"key_check": "first"}
    before = business.recorded()
    with pytest.raises(InputError, match="every customer gets another pseudonym"):
        business.run(SECOND, key_check="second")
    assert business.recorded() == before and json.loads(path.read_text())["key_check"] == "first"
    assert "failed" not in business.run(SECOND, key_check="first").values()


def test_rows_of_a_person_with_several_ids_are_read_under_one(business):
    business.run()
    business.run(SECOND, merges={"e2": "e1", "w1": "e9"})
    assert customers(business.handed_in("east", SECOND)) == ["e1"]
    assert customers(business.handed_in("west", SECOND)) == ["e9"]
    assert business.recorded()[f"east {FIRST}"] == ["e1", "e2"]


def test_a_cut_file_is_mended_from_its_report_or_named(business):
    business.run()
    for name in (f"{FIRST}.parquet", f"figures/{FIRST}.parquet"):
        path = business.plan.ledger / "east" / name
        path.write_bytes(path.read_bytes()[:50])
    assert business.run(SECOND) == PUBLISHED
    assert business.recorded()["east 2026-01-31"] == ["e1", "e2"]
    assert business.figures()[f"east {FIRST}"] == [1000.0]
    (business.plan.ledger / "east" / f"{FIRST}.parquet").write_bytes(b"")
    shutil.rmtree(business.plan.out / "east")
    found = business.run(SECOND, force=True)
    assert f"east/{FIRST}.parquet: damaged, and no published report" in found["east"]
    assert "damaged" in found["all"] and found["west"] == "published"
    assert (business.plan.out / "index.html").is_file()


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"as_of": 1}'])
def test_a_damaged_note_stops_no_run(business, damage):
    business.run()
    (business.plan.ledger / "east" / f".{FIRST}.json").write_text(damage)
    assert business.run() == UNCHANGED and business.left() == set()


@pytest.mark.parametrize("name", [".owner.json", ".key.json"])
def test_a_damaged_marker_is_named_and_removed_by_who_knows(business, name):
    business.run(key_check="first")
    path = business.plan.ledger / name
    path.write_text("{")
    with pytest.raises(InputError, match=rf"{name}: damaged; if .* remove this file"):
        business.run(key_check="first")
    path.unlink()
    assert business.run(key_check="first") == UNCHANGED
    assert json.loads(path.read_text())
