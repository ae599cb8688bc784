"""Paths of this machine are replaced, what only looks like one is not."""

import pytest

from cvm_analysis.run.redact_paths import _replacer


@pytest.fixture(scope="module")
def hide():
    from pathlib import Path

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
