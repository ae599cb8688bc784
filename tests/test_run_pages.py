"""What managers get: a file that says what it is, its links, and the same on paper."""

import json
import threading
from dataclasses import replace
from pathlib import Path

import browser
import nbformat
import pytest
from nbformat import v4
from test_run_published import publish

from cvm_analysis.run import pages, pdf
from cvm_analysis.run.plan import Job, Plan

REPORT = "09_strategy"


@pytest.fixture
def job(tmp_path):
    plan = Plan(
        business="Demo & Co",
        config=tmp_path / "demo.yaml",
        config_files=(),
        notebooks_folder=tmp_path,
        notebooks=("01_customers", REPORT),
        regions={"east": {"en": "East", "zh": "华东"}},
        company_regions={},
        as_of="2025-12-31",
        out=tmp_path / "out",
        ledger=tmp_path / "ledger",
        languages=("en", "zh"),
        prepared="p",
    )
    return Job(plan, "east", None)


def executed(tmp_path, stem):
    path = tmp_path / "made" / "desk" / "notebooks" / f"{stem}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    made = {"cvm": {"as_of": "2025-12-31", "version": "1"}}
    nbformat.write(
        v4.new_notebook(cells=[v4.new_markdown_cell("# Why?", id="t")], metadata=made), path
    )
    return path


def go(job, source, notebook=REPORT, language="en"):
    return pages.write(job, source, notebook, language, threading.Event())


def shared(tmp_path):
    folder = tmp_path / "made" / "share"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_a_report_leads_to_the_portal_its_other_language_and_the_report_before(job):
    for day in ("2025-09-30", "2025-10-31", "2026-03-31"):
        outputs = {f"share/old-{day}.en.html": "sha"}
        publish(job.folder, day, business="Demo & Co", languages=["en"], outputs=outputs)
    assert pages.links(job, "en") == [
        ("All regions", "../../../index.en.html"),
        ("中文", "Demo-Co-east-2025-12-31.zh.html"),
        ("Previous report (Oct 31, 2025)", "../../2025-10-31/share/old-2025-10-31.en.html"),
    ]
    chinese = pages.links(job, "zh")
    assert [label for label, _ in chinese] == ["全部区域", "English"], "none before was Chinese"


def test_the_dates_that_a_report_leads_to_are_found_in_its_pages(job, tmp_path):
    outputs = {"share/old.en.html": "sha"}
    publish(job.folder, "2025-10-31", "Demo & Co", languages=["en"], outputs=outputs)
    go(job, executed(tmp_path, REPORT))
    go(job, executed(tmp_path, REPORT), language="zh")
    assert pages.find_linked(tmp_path / "made") == {"2025-10-31"}


def test_links_of_a_report_lead_where_they_say(job, tmp_path):
    share = job.link / "share"
    share.mkdir(parents=True)
    paths = [share / path for _, path in pages.links(job, "zh")]
    found = [path.resolve().relative_to(job.plan.out.resolve()).as_posix() for path in paths]
    assert found == ["index.zh.html", "east/2025-12-31/share/Demo-Co-east-2025-12-31.en.html"]


def test_only_the_report_goes_to_managers_and_the_desk_has_it_without_links(job, tmp_path):
    go(job, executed(tmp_path, "01_customers"), "01_customers")
    assert shared(tmp_path) == []
    source = executed(tmp_path, REPORT)
    assert go(job, source) == []
    assert shared(tmp_path) == ["Demo-Co-east-2025-12-31.en.html"]
    page = (tmp_path / "made" / "share" / shared(tmp_path)[0]).read_text("utf-8")
    assert 'href="../../../index.en.html"' in page and "Demo &amp; Co – East" in page
    desk = source.with_suffix(".html")
    assert 'class="links"' not in desk.read_text("utf-8")
    assert desk.stat().st_mode & 0o777 == 0o600


def with_pdf(job):
    return Job(replace(job.plan, has_pdf=True), "east", None)


def test_where_a_browser_is_the_report_is_printed_and_linked(job, tmp_path):
    browser.find()
    assert go(with_pdf(job), executed(tmp_path, REPORT), language="zh") == []
    name = "Demo-Co-east-2025-12-31.zh"
    assert shared(tmp_path) == [f"{name}.html", f"{name}.pdf"]
    folder = tmp_path / "made" / "share"
    assert f'<a href="{name}.pdf">PDF版</a>' in (folder / f"{name}.html").read_text("utf-8")
    content = (folder / f"{name}.pdf").read_bytes()
    assert content.startswith(b"%PDF-") and b"file:" not in content


def test_a_report_that_cannot_be_printed_is_published_with_a_note(job, tmp_path, monkeypatch):
    monkeypatch.setenv("CVM_CHROMIUM", "/bin/false")
    (note,) = go(with_pdf(job), executed(tmp_path, REPORT))
    assert (note.part, note.code) == ("pdf", "browser_failed")
    assert shared(tmp_path) == ["Demo-Co-east-2025-12-31.en.html"]
    json.dumps(note._asdict())  # for run.json


def test_without_a_browser_there_is_neither_pdf_nor_note(job, tmp_path, monkeypatch):
    monkeypatch.setattr(pdf, "find_browser", lambda: None)
    assert go(with_pdf(job), executed(tmp_path, REPORT)) == []
    assert [Path(name).suffix for name in shared(tmp_path)] == [".html"]
