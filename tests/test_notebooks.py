"""notebooks.yaml says of each notebook what it is; the e2e tests compare what it really does."""

import json
import re
from pathlib import Path

import pytest
from nbclient import NotebookClient
from nbformat import v4

from cvm_analysis import notebooks
from cvm_analysis.strategy import facts
from cvm_analysis.tables import HANDED_IN, TABLES

ROOT = Path(__file__).parent.parent
DESCRIBED = notebooks.describe()
CELL_LINES = 5


def cells(name, kind="code"):
    found = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text("utf-8"))["cells"]
    return ["".join(c["source"]) for c in found if c["cell_type"] == kind]


def test_every_notebook_is_described_in_the_order_of_its_number():
    assert list(DESCRIBED) == sorted(p.stem for p in (ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("name", DESCRIBED)
def test_its_title_is_its_question_and_the_readme_asks_it(name):
    question = DESCRIBED[name].question
    assert cells(name, "markdown")[0].splitlines()[0] == f"# {question}"
    tree = (ROOT / "README.md").read_text("utf-8").splitlines()
    line = next(x for x in tree if x.startswith(f"  {name} "))
    assert question.casefold() in line.casefold()


@pytest.mark.parametrize("name", DESCRIBED)
def test_it_reads_and_writes_the_tables_it_is_described_with(name):
    source = "\n".join(cells(name))
    calls = {
        way: set(re.findall(rf'run\.{way}(?:_own)?\("(\w+)"', source)) for way in ("read", "write")
    }
    if "run.read(name, used) for name in facts.READ" in source:
        calls["read"] |= set(facts.READ)
    assert set(DESCRIBED[name].writes) == calls["write"] <= set(TABLES)
    assert set(DESCRIBED[name].reads) == calls["read"] - calls["write"]
    assert f'run.sign_off("{name}", language' in cells(name)[-1]


@pytest.mark.parametrize("name", DESCRIBED)
def test_it_reads_and_sets_the_limits_it_is_described_with(name):
    source = "\n".join(cells(name))
    calls = {
        way: set(re.findall(rf'run\.{way}\(\s*"(\w+)"', source))
        for way in ("thresholds", "company_or_own")
    }
    sample = "run.learned_from_sample(" in source
    calls["company_or_own"] |= {"learned_from"} if sample else set()
    assert set(DESCRIBED[name].thresholds_set) == calls["company_or_own"]
    assert set(DESCRIBED[name].thresholds_read) == calls["thresholds"] - calls["company_or_own"]


@pytest.mark.parametrize("name", DESCRIBED)
def test_every_table_it_writes_is_among_its_key_figures(name):
    checked = "\n".join(c for c in cells(name) if c.startswith("# NBVAL_CHECK_OUTPUT"))
    for table in DESCRIBED[name].writes:
        assert re.search(rf'run\.key_figures\([^)]*"{table}"', checked), table


@pytest.mark.parametrize("name", DESCRIBED)
def test_it_is_an_argument_and_no_program(name):
    for cell in cells(name):
        assert not re.search(r"^(def|class|for|if|while|try)\b", cell, re.MULTILINE), cell
        lines = [x for x in cell.splitlines() if x and not x.startswith("#")]
        assert len(lines) <= CELL_LINES or "import" in cell, cell


def test_a_table_is_read_only_after_it_was_written():
    written = set(HANDED_IN)
    for described in DESCRIBED.values():
        assert set(described.reads) <= written
        written |= set(described.writes)
    assert notebooks.find_writer("backtest") == "05_value"


def reached(name):
    """All notebooks that are done when this one begins."""
    needed = notebooks.find_needed(name)
    return {*needed, *(each for before in needed for each in reached(before))}


def test_limits_are_read_only_after_they_were_set_each_by_one_notebook():
    names = [limit for described in DESCRIBED.values() for limit in described.thresholds_set]
    assert len(names) == len(set(names))
    for name, described in DESCRIBED.items():
        before = {limit for each in reached(name) for limit in DESCRIBED[each].thresholds_set}
        assert set(described.thresholds_read) <= before, name


def test_a_sample_of_customers_gives_all_limits_but_those_of_lists_and_campaigns():
    sampled = {name for name, described in DESCRIBED.items() if described.sampled}
    assert all(set(notebooks.find_needed(name)) <= sampled for name in sampled)
    found = {limit for name in sampled for limit in DESCRIBED[name].thresholds_set}
    every = {limit for described in DESCRIBED.values() for limit in described.thresholds_set}
    assert every - found == {"measured_effects", "control_shares"}


def test_who_reads_the_notes_of_all_notebooks_waits_for_all_of_them():
    readers = [name for name in DESCRIBED if "run.notes()" in "\n".join(cells(name))]
    assert readers == ["09_strategy"]
    assert reached("09_strategy") == {*notebooks.select("transactions")} - {"09_strategy"}


def test_a_business_has_the_notebooks_of_its_main_table():
    with_sales, without = (notebooks.select(main) for main in ("transactions", "contracts"))
    assert sorted((*with_sales, *without)) == sorted(DESCRIBED)
    assert without == ("10_contracts",) and all(DESCRIBED[name].per_language for name in without)


def test_what_is_independent_does_not_wait():
    assert notebooks.find_needed("01_customers") == ()
    assert notebooks.find_needed("04_clusters") == ("01_customers",)


def test_the_kernel_of_the_lab_reloads_what_changes(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_PATH", str(ROOT / ".lab"))
    (tmp_path / "mine.py").write_text("figure = 1")
    sources = [
        "import mine, pathlib",
        "mine.figure",
        "pathlib.Path('mine.py').write_text('figure = 22')",
        "mine.figure",
    ]
    notebook = v4.new_notebook(cells=[v4.new_code_cell(each) for each in sources])
    where = {"metadata": {"path": tmp_path}}
    NotebookClient(notebook, kernel_name="python3", resources=where).execute()
    shown = [cell.outputs[0]["data"]["text/plain"] for cell in notebook.cells[1::2]]
    assert shown == ["1", "22"]


def test_groups_by_gender_and_age_are_no_smaller_than_the_config_says():
    found = [
        c for name in DESCRIBED for c in cells(name) if re.search(r'groups\["(gender|age)"\]', c)
    ]
    assert len(found) == 2
    for cell in found:
        assert re.search(r'groups\["(gender|age)"\], order, least\)', cell)
    order = "order, least = [*today.card.grades], settings.business.min_shown"
    assert sum(order in cell for name in DESCRIBED for cell in cells(name)) == 1
