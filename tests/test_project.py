"""`cvm new` starts a company's own folder, from a wheel too; what the company changed stays."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from cvm_analysis import project
from cvm_analysis.errors import InputError
from cvm_analysis.notebooks import describe
from cvm_analysis.notifications.channels import Notify
from cvm_analysis.project import shipped, start, upgrade
from cvm_analysis.run.notebook import _parameters_of
from cvm_analysis.settings import load

ROOT = Path(__file__).parent.parent
SALES = "customer;day;amount\n" + "".join(
    f"C{i % 30:03};2024-{1 + i // 28 % 12:02}-{1 + i % 28:02};{i % 90}.50\n" for i in range(336)
)


@pytest.fixture
def mine(tmp_path):
    start.start(tmp_path / "mine")
    return tmp_path / "mine"


@pytest.fixture
def newer(monkeypatch):
    """A version that changed notebook 05 and the segments, and has one more notebook."""
    files = dict(shipped.read())
    files["notebooks/05_value.ipynb"] = files["notebooks/05_value.ipynb"].replace(
        "# ", "# New: ", 1
    )
    files["config/segments.yaml"] += "# one more line\n"
    files["notebooks/11_more.ipynb"] = files["notebooks/01_customers.ipynb"]
    monkeypatch.setattr(shipped, "read", lambda: files)
    return files


def kinds(changes):
    return {change.name: change.kind for change in changes}


def edit(path, old, new):
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def test_the_folder_has_every_notebook_and_rule_file(mine):
    assert {path.stem for path in (mine / "notebooks").iterdir()} == set(describe())
    for name in shipped.RULE_FILES:
        text = (mine / "config" / f"{name}.yaml").read_text("utf-8")
        own = (ROOT / "config" / f"{name}.yaml").read_text("utf-8")
        assert text == shipped.ASSUMED + own and text.startswith("# assumption: please check")


def test_notebooks_opened_by_hand_take_the_company_s_config_and_all_its_customers(mine):
    for path in (mine / "notebooks").iterdir():
        taken = _parameters_of(path)
        text = path.read_text("utf-8")
        assert {"config", "region"} <= set(taken)
        assert '"config = \\"../config/mine.yaml\\"' in text and '"region = \\"all\\"' in text
        assert "sample.yaml" not in text


def test_the_readme_shows_who_can_be_told_in_lines_that_can_be_taken_over(mine):
    shown = (mine / "README.md").read_text("utf-8").split("```yaml\n")[1].split("```")[0]
    notify = Notify.model_validate(yaml.safe_load(shown)["notify"])
    assert [*map(str, notify.channels(1).values())] == [
        *("mail by smtp.example.com:587", "webhook CVM_WEBHOOK", "command logger"),
    ]


def test_the_key_is_private_and_new_in_every_folder(mine, tmp_path):
    assert (mine / "key").stat().st_mode & 0o777 == 0o600
    key = (mine / "key").read_text().strip()
    start.start(tmp_path / "other")
    assert len(key) >= 16 and key != (tmp_path / "other" / "key").read_text().strip()
    assert key not in (mine / ".cvm.json").read_text()
    assert "key" in (mine / ".gitignore").read_text().split()


def test_a_folder_with_anything_in_it_is_refused_and_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="not an empty folder; name a new one"):
        start.start(tmp_path)
    with pytest.raises(InputError, match="not an empty folder"):
        start.start(tmp_path / "notes.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_the_same_version_changes_nothing_whatever_the_company_changed(mine):
    assert upgrade.compare(mine) == []
    edit(mine / "config" / "segments.yaml", "bins: 5  ", "bins: 4  ")
    (mine / "notebooks" / "04_clusters.ipynb").unlink()
    assert upgrade.compare(mine) == []


def test_a_notebook_that_was_only_run_is_still_as_it_was(mine, newer):
    path = mine / "notebooks" / "05_value.ipynb"
    content = json.loads(path.read_text("utf-8"))
    for cell in content["cells"]:
        if cell["cell_type"] == "code":
            cell |= {"execution_count": 7, "outputs": []}
    path.write_text(json.dumps(content), "utf-8")
    assert kinds(upgrade.compare(mine))["notebooks/05_value.ipynb"] == "replaced"


def test_a_new_version_takes_what_was_left_and_leaves_what_was_changed(mine, newer):
    edit(mine / "config" / "segments.yaml", "bins: 5  ", "bins: 4  ")
    own = (mine / "config" / "segments.yaml").read_text("utf-8")
    found = upgrade.compare(mine)
    assert kinds(found) == {
        "config/segments.yaml": "changed_by_both",
        "notebooks/05_value.ipynb": "replaced",
        "notebooks/11_more.ipynb": "added",
    }
    said = "\n".join(map(str, found))
    assert "+# one more line" in said and "+# New: " in said and "-  bins: 4" in said
    assert kinds(upgrade.upgrade(mine)) == kinds(found)
    assert (mine / "config" / "segments.yaml").read_text("utf-8") == own
    for name in ("notebooks/05_value.ipynb", "notebooks/11_more.ipynb"):
        assert (mine / name).read_text("utf-8") == newer[name]
    assert upgrade.compare(mine) == []


def test_what_the_company_removed_stays_removed_and_a_dropped_file_stays(mine, newer):
    (mine / "notebooks" / "05_value.ipynb").unlink()
    newer.pop("notebooks/04_clusters.ipynb")
    found = kinds(upgrade.upgrade(mine))
    assert found["notebooks/05_value.ipynb"] == "removed_by_you"
    assert found["notebooks/04_clusters.ipynb"] == "dropped"
    assert not (mine / "notebooks" / "05_value.ipynb").exists()
    assert (mine / "notebooks" / "04_clusters.ipynb").is_file()


def test_only_a_folder_that_was_started_can_be_compared(tmp_path):
    with pytest.raises(InputError, match="no folder that `cvm new` started"):
        upgrade.compare(tmp_path)


def test_rule_files_are_assumed_until_the_company_says_otherwise(mine):
    path = mine / "config" / "scorecards.yaml"
    assert shipped.is_assumed(path)
    path.write_text(path.read_text("utf-8").removeprefix(shipped.ASSUMED), "utf-8")
    assert shipped.is_assumed(path)  # the note went, the values stayed
    edit(path, "weight: 0.", "weight:  0.")
    assert not shipped.is_assumed(path)


def test_an_installed_wheel_goes_from_an_empty_folder_to_prepared_tables(wheel, tmp_path):
    def cvm(*arguments, folder=tmp_path / "mine", **more):
        environment = {**os.environ, "PYTHONPATH": str(wheel), **more}
        program = [sys.executable, "-P", wheel / "bin" / "cvm", *arguments]
        return subprocess.run(
            program, cwd=folder, env=environment, check=True, capture_output=True, text=True
        ).stdout

    asked = "import cvm_analysis; print(cvm_analysis.__file__)"
    found = subprocess.run(
        [sys.executable, "-c", asked], cwd=tmp_path, env={"PYTHONPATH": str(wheel)},
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert found.stdout.startswith(str(wheel))
    assert project.__file__.startswith(str(ROOT))

    cvm("new", "mine", folder=tmp_path)
    mine = tmp_path / "mine"
    (mine / "data" / "raw" / "sales.csv").write_text(SALES)
    (mine / "config" / "mine.yaml").write_text(cvm("init", "data/raw/sales.csv"), "utf-8")
    key = {"CVM_KEY": (mine / "key").read_text().strip()}
    assert cvm("check", "config/mine.yaml", **key).endswith("config/mine.yaml: good\n")
    said = cvm("prepare", "config/mine.yaml", **key)
    assert said.startswith("data/prepared/mine: 336 of 336 order lines accepted")
    assert cvm("new", "--diff", ".") == ".: nothing to change\n"
    assert load(mine / "config" / "mine.yaml").business.pseudonyms
    drafted = yaml.safe_load((mine / "config" / "mine.yaml").read_text("utf-8"))
    assert "extracted_on" not in drafted
