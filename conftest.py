"""How pytest runs the notebooks among the tests."""

import os
import tempfile
from typing import Any

import pytest

LONGEST = (  # files that are begun first, so that no process is left with one of them at the end
    *("notebooks", "test_end_to_end", "test_churn_leakage", "test_five_sources"),
    *("test_intake_prepare", "test_draft_profiles", "test_project", "test_cli"),
)
SHAPES = ("text/html", "image/svg+xml", "application/x-cvm-block")  # beside text/plain


def pytest_configure(config: pytest.Config) -> None:
    """Let notebooks begin with no drafts, whatever `make lab` left; worker processes inherit it."""
    if "CVM_DRAFTS" not in os.environ:
        folder = tempfile.TemporaryDirectory(prefix="cvm-drafts-")
        os.environ["CVM_DRAFTS"] = folder.name
        config.add_cleanup(folder.cleanup)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files; compare cells of notebooks by figures, not words and shapes."""
    items.sort(key=_place)
    for notebook in {item.parent for item in items if hasattr(item.parent, "skip_compare")}:
        notebook.skip_compare += ("stderr", *SHAPES)


def _place(item: pytest.Item) -> int:
    """Place of a test's file among LONGEST; behind them for all others."""
    names = [name for name in LONGEST if item.path.match(f"{name}.py") or name in item.path.parts]
    return LONGEST.index(names[0]) if names else len(LONGEST)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep the tests of a file in one process, and all notebooks, for each reads the one before."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return "notebooks" if file.startswith("notebooks/") else file

    return ByFile(config, log)
