"""Run folders: written whole, read by key, of one region, day and state of the data only."""

import datetime as dt
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest

from cvm_analysis import notebooks, results, union
from cvm_analysis.errors import InputError
from cvm_analysis.minimum_data import Note
from cvm_analysis.tables import TABLES, check, empty

STAMP = {"config": "demo", "region": "east", "as_of": "2025-12-31", "prepared": "data-1"}
DAY = dt.date(2025, 12, 31)


def run_in(folder, parameters=None, **stamp):
    value = SimpleNamespace(horizon_weeks=52)
    business = SimpleNamespace(business="Demo & Co", currency="CNY")
    settings = SimpleNamespace(business=business, value=value)
    return results.Run(folder, settings, DAY, STAMP | stamp, parameters or {})


@pytest.fixture
def run(tmp_path):
    return run_in(tmp_path / "run")


def trust(*models):
    rows = [("value", 182, model, "rmse", 0.5, model == "nbd") for model in models]
    return pd.DataFrame(rows, columns=list(TABLES["backtest"].columns))


def quality(n=3):
    row = {"check": "is_text", "table": "sales", "level": "error", "n_rows": n, "share": 0.1}
    columns = {name: row.get(name, "x") for name in TABLES["quality"].columns}
    return pd.DataFrame([columns])


def files(folder):
    paths = [p for p in folder.rglob("*") if p.is_file() and p.name != ".lock"]
    return sorted(path.relative_to(folder).as_posix() for path in paths)


# Tables


def test_a_table_is_read_as_it_was_written_sorted_by_its_key(run):
    run.write("backtest", trust("own_rate", "nbd", "bg_nbd"))
    found = run.read("backtest")
    assert list(found.index.names) == ["part", "horizon_days", "model", "metric"]
    assert list(found.index.get_level_values("model")) == ["bg_nbd", "nbd", "own_rate"]
    assert found.loc[("value", 182, "nbd", "rmse"), "value"] == 0.5


def test_some_columns_of_a_table_are_read_as_far_as_it_has_them(run):
    run.write("backtest", trust("nbd", "bg_nbd"))
    every, found = run.read("backtest"), run.read("backtest", ["value", "metric", "no_such"])
    pd.testing.assert_frame_equal(found, every[["value"]])  # metric is of the key


def test_the_key_may_be_the_index_and_the_order_of_rows_does_not_matter(tmp_path):
    table = trust("own_rate", "nbd", "bg_nbd")
    run_in(tmp_path / "a").write("backtest", table)
    key = ["part", "horizon_days", "model", "metric"]
    run_in(tmp_path / "b").write("backtest", table[::-1].set_index(key))
    a, b = (tmp_path / x / "tables" / "backtest.parquet" for x in "ab")
    assert a.read_bytes() == b.read_bytes()
    assert files(a.parent) == ["backtest.parquet"]


def test_parts_that_a_table_does_not_bring_are_kept(run):
    run.write("backtest", trust("nbd", "bg_nbd"))
    run.write("backtest", trust("cox").assign(part="churn"))
    run.write("backtest", trust("nbd"))
    assert run.read("backtest").groupby("part").size().to_dict() == {"churn": 1, "value": 1}


def year(*values):
    """Net sales by customer type, without a region, as a notebook makes them."""
    key = {"customer_type": ["retail", "all"][: len(values)], "figure": "net_sales"}
    rows = key | {"value": values, "before": 1.0, "before_last": 1.0, "low": 0.0, "high": 9.0}
    rows |= {"p_value": 0.5, "beyond_chance": False}
    return pd.DataFrame(rows).set_index(["customer_type", "figure"])


def test_a_table_of_regions_gets_the_region_of_the_run_and_is_read_without(run):
    run.write("year_on_year", year(2.0, 3.0), horizon_days=365)
    assert run.read("year_on_year").index.tolist() == [
        ("east", "all", "net_sales"), ("east", "retail", "net_sales"),
    ]  # fmt: skip
    own = run.read_own("year_on_year")
    assert own["value"].to_dict() == {("all", "net_sales"): 3.0, ("retail", "net_sales"): 2.0}
    assert list(own.index.names) == ["customer_type", "figure"]
    assert run.tables_read == run.tables_written == {"year_on_year"}


def test_of_a_table_of_regions_only_the_own_rows_are_read(tmp_path):
    """East and the company in one folder, as they are after a run of all regions."""
    desk = tmp_path / "all"
    company, east = run_in(desk, region="all"), run_in(tmp_path / "east")
    company.write("year_on_year", year(2.0, 3.0))
    east.write("year_on_year", year(5.0))
    union.unite(desk, {"east": tmp_path / "east"})
    assert len(company.read("year_on_year")) == 3
    assert company.read_own("year_on_year")["value"].tolist() == [3.0, 2.0]
    assert east.read_own("year_on_year")["value"].tolist() == [5.0]


def test_a_table_of_regions_may_have_no_rows(run):
    run.write("year_on_year", empty("year_on_year").drop(columns="region").set_index(
        ["customer_type", "figure"]
    ))  # fmt: skip
    found = run.read_own("year_on_year")
    assert found.empty and list(found.index.names) == ["customer_type", "figure"]


def test_the_horizon_of_a_table_goes_with_it(run):
    run.write("backtest", trust("nbd"), horizon_weeks=26, horizon_days=90)
    assert run.read("backtest").attrs == {"horizon_weeks": 26, "horizon_days": 90}


def test_a_table_that_is_not_there_names_the_notebook_to_run_first(run):
    for name in notebooks.select("transactions"):
        for table in set(notebooks.describe()[name].writes) - {"backtest"}:
            with pytest.raises(InputError, match=f"no table {table} yet; run {name}.ipynb first"):
                run.read(table)


def test_what_a_run_hands_in_is_empty_where_none_did(run):
    """As in drafts; with the columns and types of the table, and said to be read."""
    found = run.read("ledger")
    check("ledger", found.reset_index())
    assert found.empty and list(found.index.names) == list(TABLES["ledger"].key)
    run.sign_off("01_customers", "en")
    signed = json.loads((run.folder / "done" / "01_customers.json").read_text())
    assert signed["reads"] == ["ledger"]


def test_a_wrong_table_is_refused_and_the_one_before_stays(run):
    run.write("backtest", trust("nbd"))
    with pytest.raises(InputError, match=r"surprise: unknown"):
        run.write("backtest", trust("nbd").assign(surprise=1))
    with pytest.raises(InputError, match="repeat a key"):
        run.write("backtest", trust("nbd", "nbd"))
    assert len(run.read("backtest")) == 1


def test_key_figures_are_those_of_tables_written_and_of_others(run):
    run.write("backtest", trust("nbd", "bg_nbd"))
    found = run.key_figures("backtest", mine=pd.DataFrame({"a": [1.0, 3.0]}))
    assert found.loc[("mine", "a"), "median_or_share"] == "2"
    assert found.loc[("backtest", "value"), ["known", "median_or_share"]].tolist() == [
        "2 of 2",
        "0.5",
    ]


def test_several_notebooks_may_add_to_the_same_files_at_the_same_time(run, tmp_path):
    parts = [f"part {n}" for n in range(8)]

    def add(folder, part):
        mine = run_in(folder)
        mine.company_or_own(part, {"z": 1, "a": 2})
        mine.write("backtest", trust("nbd").assign(part=part))

    for part in parts:
        add(tmp_path / "sequential", part)
    with ThreadPoolExecutor(len(parts)) as threads:
        list(threads.map(add, [run.folder] * len(parts), parts[::-1]))
    assert set(run.read("backtest").index.get_level_values("part")) == set(parts)
    for name in ("reference.json", "thresholds.json", "tables/backtest.parquet"):
        assert (run.folder / name).read_bytes() == (tmp_path / "sequential" / name).read_bytes()


# Limits


def test_without_a_company_a_region_goes_by_its_own_limits(run):
    assert run.company_reference() == {}
    assert run.company_or_own("cuts", {"r": [1.0]}) == {"r": [1.0]}
    assert run.company_or_own("gap", 7.5) == 7.5
    kept = json.loads((run.folder / "reference.json").read_text("utf-8"))
    assert kept == {"cuts": {"r": [1.0]}, "gap": 7.5}
    assert run.uses_own_thresholds() == [Note("segments", "own_cut_points")]
    assert run_in(run.folder.parent / "all", region="all").uses_own_thresholds() == []


def test_the_limits_of_the_company_come_first_and_the_own_ones_are_still_kept(run):
    run.folder.mkdir()
    (run.folder / "company.json").write_text('{"gap": 30.0}', "utf-8")
    assert run.company_or_own("gap", 7.5) == run.thresholds("gap") == 30.0
    assert run.company_or_own("other", 1) == 1  # the company has none
    assert json.loads((run.folder / "reference.json").read_text("utf-8"))["gap"] == 7.5
    assert run.uses_own_thresholds() == []


def test_limits_are_those_the_run_went_by_also_where_a_region_keeps_its_own(run):
    run.folder.mkdir()
    (run.folder / "company.json").write_text('{"cuts": [9.0]}', "utf-8")
    assert run.company_or_own("cuts", [1.0], company_wide=False) == [1.0]
    assert run.thresholds("cuts") == [1.0]
    with pytest.raises(InputError, match="no gap yet; run the notebooks before this one"):
        run.thresholds("gap")


def test_limits_that_ties_make_impossible_survive_the_file(tmp_path):
    run_in(tmp_path / "all", region="all").company_or_own("cuts", [1.0, float("nan")])
    (tmp_path / "east").mkdir()
    (tmp_path / "all" / "reference.json").rename(tmp_path / "east" / "company.json")
    first, second = run_in(tmp_path / "east").company_or_own("cuts", [])
    assert first == 1.0 and pd.isna(second)


# Signatures and figures


def test_a_notebook_signs_with_its_parameters_tables_and_notes(tmp_path):
    given = {"config": "c.yaml", "region": "东", "as_of": "", "run_dir": "x"}
    run = run_in(tmp_path, given)
    run.write("quality", quality())
    run.write("backtest", trust("nbd"))
    run.read("backtest")
    notes = [Note("value", "few", 3.0, 30.0), Note("value", "nbd_not_fitted")]
    run.sign_off("05_value", "en", notes)
    signed = json.loads((tmp_path / "done" / "05_value.json").read_text("utf-8"))
    general = dict.fromkeys(("customer_type", "customer", "day"))
    assert signed == {
        "notebook": "05_value",
        "parameters": {**given, "language": "en"},
        "reads": [],
        "writes": ["backtest", "quality"],
        "notes": [
            {"part": "value", "code": "few", "have": 3.0, "need": 30.0, **general},
            {"part": "value", "code": "nbd_not_fitted", "have": None, "need": None, **general},
        ],
    }
    later = run_in(tmp_path)
    later.read("quality")
    later.sign_off("02_segments", "en", [Note("segments", "own_cut_points")])
    assert json.loads((tmp_path / "done" / "02_segments.json").read_text())["reads"] == ["quality"]
    assert run.notes() == [Note("segments", "own_cut_points"), *notes]


def test_only_a_notebook_that_is_described_can_sign(run):
    with pytest.raises(InputError, match=r"no notebook 'en' in notebooks\.yaml"):
        run.sign_off("en", "05_value")
    assert not run.folder.exists()


def test_a_folder_without_signatures_has_no_notes(run):
    assert run.notes() == []


def test_lists_are_written_as_csv_files_and_one_workbook(run):
    days = pd.to_datetime(["2026-01-07", None])
    table = pd.DataFrame({"customer_id": ["007", "008"], "due_on": days, "gain": [1.5, None]})
    run.write_lists({"actions": table, "segments": table}, "zh", b"a workbook")
    book = "lists/Demo-Co-east-2025-12-31.zh.xlsx"
    assert files(run.folder) == [book, "lists/actions.zh.csv", "lists/segments.zh.csv"]
    assert (run.folder / book).read_bytes() == b"a workbook"
    content = (run.folder / "lists" / "actions.zh.csv").read_bytes()
    assert content.startswith("\ufeff".encode())
    expected = "customer_id,due_on,gain\r\n007,2026-01-07,1.5\r\n008,,\r\n"
    assert content.decode("utf-8-sig") == expected


@pytest.mark.parametrize("kind", ["object", "string", "category"])
def test_nothing_in_a_csv_file_is_calculated(run, kind):
    table = pd.DataFrame({"a": pd.Series(["=1+1", "@x", "a=b", "-"], dtype=kind), "n": -1})
    run.write_list("x", table)
    text = (run.folder / "lists" / "x.csv").read_text("utf-8-sig")
    assert text.split() == ["a,n", "'=1+1,-1", "'@x,-1", "a=b,-1", "'-,-1"]


def test_alerts_are_left_for_run_json_as_they_are(run):
    given = [{"code": "net_sales_fell", "figure": "net_sales", "value": None, "text": {"zh": "降"}}]
    run.alerts(given)
    assert json.loads((run.folder / "alerts.json").read_text("utf-8")) == given
    run.alerts([])
    assert json.loads((run.folder / "alerts.json").read_text("utf-8")) == []


def test_only_finite_figures_are_left_for_the_portal(run):
    run.figures({"n_customers": 3, "repeat_share": float("nan")})
    left = json.loads((run.folder / "figures.json").read_text("utf-8"))
    assert left == {"currency": "CNY", "horizon_weeks": 52, "values": {"n_customers": 3.0}}


# The regions of the company


@pytest.fixture
def company(tmp_path, monkeypatch):
    """A run of `all`, made from two of three regions."""
    regions = {
        "all": {"en": "All"},
        "east": {"en": "East"},
        "south": {"en": "South"},
        "west": {"en": "West"},
    }
    monkeypatch.setattr(results.prepared, "region_names", lambda settings: regions)
    run = run_in(tmp_path / "all", region="all")
    run.write("quality", quality())
    (run.folder / "regions.json").write_text('{"regions": ["east", "west"]}')
    return run


def test_all_knows_which_regions_its_tables_are_made_from(company, run):
    assert company.coverage("en") == (3, ("South",))
    assert run.coverage("en") == (0, ()), "a region is made from none"


def test_a_region_is_called_by_its_name_unless_the_business_has_a_word_for_it(company):
    own = {"en": {"values.region.west": "The West", "values.city.b": "Berlin"}}
    company.settings.words = own
    company.settings.segments = SimpleNamespace(period_days=365)
    say = company.words("en")
    assert [say.level("region", key) for key in ("east", "west")] == ["East", "The West"]
    assert say.level("city", "b") == "Berlin" and say.period_days == 365


def test_a_notebook_opened_by_hand_makes_the_tables_of_all_its_own_again(company):
    company.write("backtest", trust("nbd"))
    assert company.coverage("en") == (3, ("South",)), "that table is its own anyway"
    rows = {"customer_id": ["C1"], "p_end_90d": [0.1], "p_end_180d": [0.2], "p_end_365d": [0.3]}
    company.write("contract_churn", pd.DataFrame(rows))
    assert company.coverage("en") == (3, ("East", "South", "West"))


# Whose folder it is


def test_tables_of_data_prepared_since_are_refused_until_the_first_notebook_ran(run):
    run.write("quality", quality())
    run.write("backtest", trust("nbd"))
    run.company_or_own("gap", 7.5)
    (run.folder / "company.json").write_text("{}")
    (run.folder / "mine.txt").write_text("not of a run")
    later = run_in(run.folder, prepared="data-2")
    said = r"prepared again since .*; run all notebooks from 01_customers\.ipynb"
    uses = [
        lambda: later.read("backtest"),
        lambda: later.write("backtest", trust("nbd")),
        lambda: later.thresholds("gap"),
        lambda: later.company_or_own("gap", 1.0),
        later.company_reference,
    ]
    for use in uses:
        with pytest.raises(InputError, match=said):
            use()
    later.write("quality", quality(4))
    assert files(run.folder) == ["mine.txt", "stamp.json", "tables/quality.parquet"]
    with pytest.raises(InputError, match=said):
        run.read("quality")


def test_tables_that_do_not_say_what_they_are_of_are_refused(run):
    run.write("backtest", trust("nbd"))
    (run.folder / "stamp.json").unlink()
    with pytest.raises(InputError, match=r"no stamp\.json; run all notebooks from 01_customers"):
        run.read("backtest")


@pytest.fixture
def business(monkeypatch, tmp_path):
    """A config in config/, the prepared data of two regions, drafts beside it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "config" / "demo.yaml").write_text("")

    def load(path):
        assert path.is_file()
        path = path.resolve()
        return SimpleNamespace(path=path, resolve=lambda name: (path.parent / name).resolve())

    monkeypatch.setattr(results, "load", load)
    monkeypatch.setattr(results.prepared, "pin", lambda settings, fingerprint: settings)
    monkeypatch.setattr(results.prepared, "check_region", lambda settings, region: None)
    monkeypatch.setattr(results.prepared, "stamp", lambda settings: {"fingerprint": "data-1"})
    resolve = lambda settings, as_of: dt.date.fromisoformat(as_of or "2025-12-31")  # noqa: E731
    monkeypatch.setattr(results.prepared, "resolve_day", resolve)
    monkeypatch.delenv("CVM_DRAFTS", raising=False)
    return tmp_path


@pytest.mark.parametrize("where", [".", "notebooks"])
def test_an_empty_folder_is_the_draft_wherever_the_notebook_runs(business, monkeypatch, where):
    monkeypatch.chdir(business / where)
    run = results.open("../config/demo.yaml", "east")
    assert run.folder == business / "data" / "drafts" / "demo" / "east" / "2025-12-31"
    assert (run.date, run.stamp) == (DAY, STAMP)
    assert run.parameters["config"] == "../config/demo.yaml" and run.parameters["run_dir"] == ""
    monkeypatch.setenv("CVM_DRAFTS", str(business / "elsewhere"))
    other = results.open("../config/demo.yaml", "west", "2025-06-30")
    assert other.folder == business / "elsewhere" / "demo" / "west" / "2025-06-30"


def test_a_folder_given_holds_one_region_day_and_config(business):
    (business / "config" / "other.yaml").write_text("")
    results.open("config/demo.yaml", "east", "", "mine").write("quality", quality())
    for asked in (
        ("config/demo.yaml", "west", ""),
        ("config/demo.yaml", "east", "2025-06-30"),
        ("config/other.yaml", "east", ""),
    ):
        with pytest.raises(InputError, match=r"for demo east 2025-12-31, not for .* run_dir empty"):
            results.open(*asked, "mine")
    assert len(results.open("config/demo.yaml", "east", "", "mine").read("quality")) == 1


def test_a_draft_is_filled_with_what_notebooks_left_and_nothing_of_before(run, tmp_path):
    run.write("backtest", trust("nbd"))
    run.company_or_own("gap", 7.5)
    run.sign_off("05_value", "en")
    (run.folder / "notebooks").mkdir()
    draft = run_in(tmp_path / "draft")
    draft.write("backtest", trust("own_rate"))
    draft.sign_off("01_customers", "en")
    (draft.folder / "company.json").write_text("{}")
    draft.copy_from(run.folder)
    assert draft.read("backtest").index.get_level_values("model").tolist() == ["nbd"]
    assert files(draft.folder) == [
        "done/05_value.json",
        "reference.json",
        "stamp.json",
        "tables/backtest.parquet",
        "thresholds.json",
    ]
    apart = replace(draft, stamp=STAMP | {"region": "west"})
    with pytest.raises(InputError, match=r"are for demo east .* not for demo west .* `cvm run`"):
        apart.copy_from(run.folder)


@pytest.mark.parametrize("damage", ["", "{", "PAR1"])
def test_a_damaged_table_names_its_notebook_which_writes_it_anew(run, damage):
    run.write("backtest", trust("nbd"))
    (run.folder / "tables" / "backtest.parquet").write_text(damage)
    with pytest.raises(InputError, match=r"backtest\.parquet: damaged; run \w+\.ipynb again"):
        run.read("backtest")
    run.write("backtest", trust("nbd"))
    assert len(run.read("backtest")) == 1


def test_a_damaged_stamp_is_none_and_the_first_notebook_begins_anew(run):
    run.write("backtest", trust("nbd"))
    (run.folder / "stamp.json").write_text('{"config"')
    with pytest.raises(InputError, match=r"no stamp\.json; run all notebooks from 01_customers"):
        run.read("backtest")
    run.write("quality", quality())
    assert files(run.folder) == ["stamp.json", "tables/quality.parquet"]
