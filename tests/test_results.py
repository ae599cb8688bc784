"""Run folders: written whole, read by key, and every error names what to do."""

import json

import pandas as pd
import pytest

from cvm_analysis import results
from cvm_analysis.errors import InputError
from cvm_analysis.minimum_data import Note
from cvm_analysis.tables import TABLES


def trust(*models):
    rows = [("value", 182, model, "rmse", 0.5, model == "nbd") for model in models]
    return pd.DataFrame(rows, columns=list(TABLES["backtest"].columns))


def test_a_table_is_read_as_it_was_written_sorted_by_its_key(tmp_path):
    results.write(tmp_path, "backtest", trust("own_rate", "nbd", "bg_nbd"))
    found = results.read(tmp_path, "backtest")
    assert list(found.index.names) == ["part", "horizon_days", "model", "metric"]
    assert list(found.index.get_level_values("model")) == ["bg_nbd", "nbd", "own_rate"]
    assert found.loc[("value", 182, "nbd", "rmse"), "value"] == 0.5


def test_the_key_may_be_the_index_and_the_order_of_rows_does_not_matter(tmp_path):
    table = trust("own_rate", "nbd", "bg_nbd")
    results.write(tmp_path / "a", "backtest", table)
    results.write(
        tmp_path / "b",
        "backtest",
        table[::-1].set_index(["part", "horizon_days", "model", "metric"]),
    )
    a, b = (tmp_path / x / "tables" / "backtest.parquet" for x in "ab")
    assert a.read_bytes() == b.read_bytes()
    assert {path.name for path in a.parent.iterdir()} == {"backtest.parquet"}


def test_a_table_that_is_not_there_names_the_notebook_to_run_first(tmp_path):
    for name, notebook in results.WRITTEN_BY.items():
        with pytest.raises(InputError, match=f"no table {name} yet; run {notebook}.ipynb first"):
            results.read(tmp_path, name)


def test_every_table_a_notebook_hands_on_is_known():
    assert set(results.WRITTEN_BY) <= set(TABLES)


def test_a_wrong_table_is_refused_and_the_one_before_stays(tmp_path):
    results.write(tmp_path, "backtest", trust("nbd"))
    with pytest.raises(InputError, match=r"surprise: unknown"):
        results.write(tmp_path, "backtest", trust("nbd").assign(surprise=1))
    with pytest.raises(InputError, match="repeat a key"):
        results.write(tmp_path, "backtest", trust("nbd", "nbd"))
    assert len(results.read(tmp_path, "backtest")) == 1


def test_without_a_company_a_region_goes_by_its_own_limits(tmp_path):
    assert results.company(tmp_path) == {}
    assert results.agreed(tmp_path, "cuts", {"r": [1.0]}) == {"r": [1.0]}
    assert results.agreed(tmp_path, "gap", 7.5) == 7.5
    kept = json.loads((tmp_path / "reference.json").read_text("utf-8"))
    assert kept == {"cuts": {"r": [1.0]}, "gap": 7.5}
    assert results.alone(tmp_path, "east") == [Note("segments", "own_cut_points")]
    assert results.alone(tmp_path, "all") == []


def test_the_limits_of_the_company_come_first_and_the_own_ones_are_still_kept(tmp_path):
    (tmp_path / "company.json").write_text('{"gap": 30.0}', "utf-8")
    assert results.agreed(tmp_path, "gap", 7.5) == 30.0
    assert results.agreed(tmp_path, "gap", 7.5, company_wide=False) == 7.5
    assert results.agreed(tmp_path, "other", 1) == 1  # the company has none
    assert json.loads((tmp_path / "reference.json").read_text("utf-8"))["gap"] == 7.5
    assert results.alone(tmp_path, "east") == []


def test_what_a_run_was_measured_by_is_the_companys_where_there_is_one(tmp_path):
    results.agreed(tmp_path, "cuts", [1.0])
    assert results.limits(tmp_path, "cuts") == [1.0]
    (tmp_path / "company.json").write_text('{"cuts": [9.0]}', "utf-8")
    assert results.limits(tmp_path, "cuts") == [9.0]
    assert results.limits(tmp_path, "nothing") is None


def test_limits_that_ties_make_impossible_survive_the_file(tmp_path):
    results.agreed(tmp_path / "all", "cuts", [1.0, float("nan")])
    (tmp_path / "east").mkdir()
    (tmp_path / "all" / "reference.json").rename(tmp_path / "east" / "company.json")
    first, second = results.agreed(tmp_path / "east", "cuts", [])
    assert first == 1.0 and pd.isna(second)


def test_a_notebook_signs_with_its_parameters_and_notes(tmp_path):
    notes = [Note("value", "few", 3.0, 30.0), Note("value", "nbd_not_fitted")]
    results.done(tmp_path, "04_value", notes, config="c.yaml", region="东", as_of="", language="en")
    signed = json.loads((tmp_path / "done" / "04_value.json").read_text("utf-8"))
    assert signed == {
        "notebook": "04_value",
        "parameters": {
            "run_dir": str(tmp_path),
            "config": "c.yaml",
            "region": "东",
            "as_of": "",
            "language": "en",
        },
        "notes": [
            {"part": "value", "code": "few", "have": 3.0, "need": 30.0},
            {"part": "value", "code": "nbd_not_fitted", "have": None, "need": None},
        ],
    }
    results.done(tmp_path, "02_segments", [Note("segments", "own_cut_points")])
    results.done(tmp_path, "01_customers")
    assert results.notes(tmp_path) == [Note("segments", "own_cut_points"), *notes]


def test_a_folder_without_signatures_has_no_notes(tmp_path):
    assert results.notes(tmp_path) == []


def test_a_copy_takes_what_notebooks_hand_on_and_nothing_of_before(tmp_path):
    run, to = tmp_path / "run", tmp_path / "drafts"
    results.write(run, "backtest", trust("nbd"))
    results.agreed(run, "gap", 7.5)
    results.done(run, "04_value")
    (run / "notebooks").mkdir()
    results.write(to, "backtest", trust("own_rate"))
    results.done(to, "99_old")
    (to / "company.json").write_text("{}")
    results.copy(run, to)
    assert results.read(to, "backtest").index.get_level_values("model").tolist() == ["nbd"]
    assert sorted(p.relative_to(to).as_posix() for p in to.rglob("*") if p.is_file()) == [
        "done/04_value.json",
        "reference.json",
        "tables/backtest.parquet",
    ]
