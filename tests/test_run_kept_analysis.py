"""What `all` found is kept whole or not at all, and given back only for the same data and code."""

from dataclasses import replace

import pytest

from cvm_analysis.run import kept_analysis
from cvm_analysis.run.notebook import Finished
from cvm_analysis.run.plan import Job, Plan

NOTE = {"part": "churn", "code": "features_left_out", "have": 3.0}
FINISHED = [
    Finished("01_customers", 1.5, 1),
    Finished("06_churn", 8.25, 2, notes=(NOTE,)),
]


@pytest.fixture
def job(tmp_path):
    config = tmp_path / "demo.yaml"
    config.write_text("business: Demo\n")
    plan = Plan(
        business="Demo",
        config=config,
        config_files=(config,),
        notebooks_folder=tmp_path,
        notebooks=(),
        regions={"all": {"en": "Company"}},
        company_regions={},
        as_of="2026-01-01",
        out=tmp_path / "reports",
        ledger=tmp_path / "ledger",
        languages=("en",),
        prepared="prepared-1",
        inputs={},
        private_folders=(),
    )
    return Job(plan, "all", None)


@pytest.fixture
def desk(tmp_path):
    desk = tmp_path / "building" / "desk"
    (desk / "done").mkdir(parents=True)
    (desk / "done" / "01_customers.json").write_text("{}")
    (desk / "thresholds.json").write_text('{"cut": 4}')
    (desk / ".lock").touch()
    return desk


def files(folder):
    return {p.relative_to(folder).as_posix(): p.read_text() for p in folder.rglob("*.json")}


def test_files_and_how_notebooks_ended_come_back(job, desk, tmp_path):
    kept_analysis.keep(job, desk, "made from these", FINISHED)
    new = tmp_path / "next" / "desk"
    new.mkdir(parents=True)
    (new / "thresholds.json").write_text("{}")
    assert kept_analysis.restore(job, new, "made from these") == FINISHED
    assert files(new) == files(desk)
    assert not (new / ".lock").exists()


def test_a_change_of_the_copy_leaves_what_is_kept(job, desk, tmp_path):
    kept_analysis.keep(job, desk, "made from these", FINISHED)
    for each in ("first", "second"):
        new = tmp_path / each
        assert kept_analysis.restore(job, new, "made from these")
        assert files(new)["thresholds.json"] == '{"cut": 4}'
        other = new / "other"
        other.write_text('{"cut": 5}')
        other.replace(new / "thresholds.json")  # as everything in a run folder is written


def test_nothing_comes_back_of_other_data_or_of_a_damaged_copy(job, desk, tmp_path):
    assert kept_analysis.restore(job, tmp_path / "new", "made from these") == []
    kept_analysis.keep(job, desk, "made from these", FINISHED)
    assert kept_analysis.restore(job, tmp_path / "new", "made from others") == []
    (job.folder / kept_analysis.LINK / "desk" / "thresholds.json").unlink()
    assert kept_analysis.restore(job, tmp_path / "new", "made from these") == []
    assert not (tmp_path / "new").exists()


def test_one_is_kept_and_others_may_not_read_it(job, desk):
    for day in ("2026-01-01", "2026-02-01"):
        later = replace(job, plan=replace(job.plan, as_of=day))
        kept_analysis.keep(later, desk, day, FINISHED)
    folders = [path for path in job.folder.iterdir() if path.is_dir() and not path.is_symlink()]
    assert len(folders) == 1
    assert folders[0].stat().st_mode & 0o777 == 0o700


def test_without_links_between_files_they_are_copied(job, desk, tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(kept_analysis.os, "link", refuse)
    kept_analysis.keep(job, desk, "made from these", FINISHED)
    assert kept_analysis.restore(job, tmp_path / "new", "made from these") == FINISHED
