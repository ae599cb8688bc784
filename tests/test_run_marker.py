"""An --out folder belongs to one business, and nothing foreign in it is touched."""

import json
import re

import pytest

from cvm_analysis.errors import InputError
from cvm_analysis.run import marker
from cvm_analysis.run.plan import Plan


def plan(folder, business="One", shop="one"):
    return Plan(
        business=business,
        config=folder / shop / "config" / "mine.yaml",
        config_files=(),
        notebooks_folder=folder / "notebooks",
        notebooks=("01_customers",),
        regions={"all": {"en": "Company"}},
        company_regions={},
        as_of="2026-01-01",
        out=folder / "out",
        ledger=folder / "ledger",
        languages=("en",),
        prepared="data-1",
    )


@pytest.fixture
def out(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def tree(folder):
    paths = [path for path in sorted(folder.rglob("*")) if path.name != ".lock"]
    return {str(path): path.read_bytes() for path in paths if path.is_file()}


def leave(out, business, region="east"):
    """Leave a report as one that was published before there were markers."""
    folder = out / region / "2026-01-01"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"business": business}))
    (out / "index.html").write_text(business)


def test_the_first_business_has_the_folder_and_another_is_refused(tmp_path, out):
    marker.claim(plan(tmp_path))
    before = tree(out)
    said = f"{out}: belongs to One (mine.yaml), not to Two (mine.yaml); choose another --out"
    with pytest.raises(InputError, match=re.escape(said)):
        marker.claim(plan(tmp_path, "Two", "two"))
    with pytest.raises(InputError, match=r"One .* in another place"):
        marker.claim(plan(tmp_path, "One", "two"))
    assert tree(out) == before
    marker.claim(plan(tmp_path))
    assert tree(out) == before


def test_reports_of_before_there_were_markers_are_known_by_their_manifests(tmp_path, out):
    leave(out, "One")
    with pytest.raises(InputError, match="has reports of One, not of Two; choose another --out"):
        marker.claim(plan(tmp_path, "Two", "two"))
    marker.claim(plan(tmp_path))
    assert json.loads((out / marker.MARKER).read_text())["business"] == "One"


def test_a_failure_alone_says_whose_the_folder_is(tmp_path, out):
    (out / "east").mkdir()
    (out / "east" / "failed.json").write_text('{"business": "One"}')
    with pytest.raises(InputError, match="has reports of One"):
        marker.claim(plan(tmp_path, "Two", "two"))


@pytest.mark.parametrize("page", ["index.html", "index.zh.html"])
def test_a_page_of_somebody_else_is_not_replaced(tmp_path, out, page):
    (out / page).write_text("my site")
    before = tree(out)
    with pytest.raises(InputError, match=rf"{page}: not written by cvm; move it away"):
        marker.claim(plan(tmp_path))
    assert tree(out) == before


def test_other_files_do_not_matter(tmp_path, out):
    (out / "README.md").write_text("reports go here")
    (out / "east").mkdir()
    (out / "east" / "run.json").write_text("[]")
    marker.claim(plan(tmp_path))


def test_the_marker_names_no_path_of_this_machine(tmp_path, out):
    marker.claim(plan(tmp_path))
    assert str(tmp_path) not in (out / marker.MARKER).read_text()


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"business": "One"}'])
def test_a_damaged_marker_is_named(tmp_path, out, damage):
    (out / marker.MARKER).write_text(damage)
    said = f"{out / marker.MARKER}: damaged; if {out} belongs to "
    with pytest.raises(InputError, match=re.escape(said)):
        marker.claim(plan(tmp_path))
    (out / marker.MARKER).unlink()
    marker.claim(plan(tmp_path))
