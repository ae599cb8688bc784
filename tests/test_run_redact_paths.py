"""Paths of this machine are replaced, what only looks like one is not."""

import subprocess
import sys
from pathlib import Path

import pytest

from cvm_analysis.run.redact_paths import _links, _replacer


@pytest.fixture(scope="module")
def hide():
    return _replacer(
        {
            Path("/root"): "~",
            Path("/srv/项目 & co"): "project",
            Path("/srv/项目 & co/reports/east/.b"): "..",
        }
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "read /srv/项目 & co/reports/east/.b/tables/value.parquet",
            "read ../tables/value.parquet",
        ),
        ("in '/srv/项目 & co/config'", "in 'project/config'"),
        ("/srv/\\u9879\\u76ee & co/config", "project/config"),
        ("<td>/srv/项目 &amp; co/x</td>", "<td>project/x</td>"),
        ('href="file:///root/x"', 'href="~/x"'),
        ("config=/root/x.", "config=~/x."),
        ("/tmp/ipykernel_12/345.py:1: UserWarning", "(cell):1: UserWarning"),
        ("iVBORw0K/rootAAA+/root/", "iVBORw0K/rootAAA+/root/"),
        (
            "/rootless and a/root and https://x.org/root",
            "/rootless and a/root and https://x.org/root",
        ),
    ],
)
def test_known_folders_are_replaced(hide, text, shown):
    assert hide(text) == shown


LONG = """
from pathlib import Path
from cvm_analysis.run.redact_paths import _replacer
hide = _replacer({Path("/root"): "~"})
for word in ("x", "/", "x/", "/root", "file://", "/ipykernel_1", "/ipykernel_1/2_", "[31m"):
    long = "x" + word * (4_000_000 // len(word))
    assert hide(f"at {long}y") == f"at {long}y"
"""


def test_a_word_of_four_million_characters_is_searched_once():
    """If each character began a search to the end of the word, this would take hours."""
    subprocess.run([sys.executable, "-c", LONG], check=True, timeout=300)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("'/a b/ipykernel_1/2.py' and /c/ipykernel_3/4.py.", "'/a (cell)' and (cell)."),
        ("(/tmp/ipykernel_1/2.py", "(cell)"),
        ("/a/ipykernel_1/2.py,/b/ipykernel_1/3.py", "(cell)"),
        ("/tmp/ipykernel_x/2.py", "/tmp/ipykernel_x/2.py"),
    ],
)
def test_a_cell_is_named_without_the_word_before_it(hide, text, shown):
    assert hide(text) == shown


def test_a_version_of_a_folder_is_named_as_its_link():
    kept = Path("/srv/data/.sample-0123456789ab")
    assert _links([kept, Path("/srv/raw")]) == {
        kept: "sample",
        Path("/srv/data/sample"): "sample",
        Path("/srv/raw"): "raw",
    }
