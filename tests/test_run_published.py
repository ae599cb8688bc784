"""What a region has published: reports of all dates, and their pages."""

import json

from cvm_analysis.run import published

EMPTY = {"languages": [], "outputs": {}, "code": {}}


def publish(folder, day, business="Demo", **more):
    target = folder / f".{day}-abc"
    target.mkdir(parents=True)
    made = {"fingerprint": "f", "business": business, "as_of": day, **EMPTY, **more}
    (target / "run.json").write_text(json.dumps(made))
    (folder / day).symlink_to(target.name)


def test_reports_come_newest_first_and_only_of_this_business(tmp_path):
    east = tmp_path / "east"
    publish(east, "2025-12-31")
    publish(east, "2026-01-31")
    publish(east, "2026-02-28", business="Another")
    (east / "notes.txt").write_text("mine")
    assert [link.name for link, _ in published.reports(east, "Demo")] == [
        "2026-01-31",
        "2025-12-31",
    ]
    assert next(published.reports(east))[1]["business"] == "Another"
    assert list(published.reports(tmp_path / "west")) == []


def test_pages_are_found_whatever_their_name_is():
    outputs = [
        "share/report.en.html",
        "share/D-east-1.zh.html",
        "share/D-east-1.zh.pdf",
        "desk/a.en.html",
    ]
    made = {"languages": ["en", "zh"], "outputs": dict.fromkeys(outputs, "sha")}
    assert published.pages(made) == {"en": "share/report.en.html", "zh": "share/D-east-1.zh.html"}
    assert published.pages({}) == {}
