"""Prepared tables against the sample's truth and the published counts of a real data set."""

import datetime as dt
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from part_of_sample import keep_sources
from small_business import NAMED, small

from cvm_analysis import customers, prepared, sample, validate
from cvm_analysis import settings as settings_module
from cvm_analysis.errors import GateError, InputError
from cvm_analysis.intake.prepare import prepare
from cvm_analysis.segments import classes, classification_rules

REAL = Path(__file__).parent.parent / "config"
REGIONS = ("east", "south", "north", "central", "southwest", "northeast")
RULE_OF = {  # what the sample plants -> the rule that must find it
    "duplicate": "repeated_line",
    "missing_customer_id": "missing_customer_id",
    "future_date": "in_the_future",
    "amount_is_text": "no_amount",
    "no_such_date": "no_date",
    "unknown_customer": "no_region",
    "unreadable_score": "unreadable_score",
    "repeated_contact": "repeated_contact",
    "before_its_list": "before_its_list",
    "not_done": "not_done",
    "unknown_action": "unknown_action",
    "unreadable_consent": "unreadable_consent",
    "no_text": "no_text",
    "repeated_mention": "repeated_mention",
}
KEPT = {"unreadable_stars", "percent_without_sign"}  # what it plants in rows that are accepted
KEY = "a key for tests, no secret"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The sample business, 400 customers, prepared."""
    folder = tmp_path_factory.mktemp("project")
    sample.make(folder / "data" / "sample", 400)
    shutil.copytree(REAL, folder / "config")
    prepare(settings_of(folder))
    return folder


@pytest.fixture(scope="module")
def sales_alone(project, tmp_path_factory):
    """Sales of two regions and customer records alone, prepared: other tables tell no more."""
    folder = tmp_path_factory.mktemp("sales") / "project"
    shutil.copytree(project, folder, ignore=shutil.ignore_patterns("prepared"))
    keep_sources(folder / "config" / "sample.yaml", "transactions", "customers")
    prepare(settings_of(folder))
    return folder


@pytest.fixture
def copied(sales_alone, tmp_path):
    """A copy of it that a test may change."""
    shutil.copytree(sales_alone, tmp_path / "copy", symlinks=True)
    return tmp_path / "copy"


@pytest.fixture(scope="module")
def truth(project):
    return json.loads((project / "data" / "sample" / "truth.json").read_text("utf-8"))


def settings_of(folder, name="sample"):
    return validate.check(folder / "config" / f"{name}.yaml")


def change(folder, old, new):
    path = folder / "config" / "sample.yaml"
    text = path.read_text("utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), "utf-8")


def people_of(truth):
    return [*truth["customers"], *truth["trade"]]


def known(settings, region, day=""):
    data = prepared.open(settings, region)
    table = customers.as_of(
        data.transactions, prepared.resolve_day(settings, day), data.customers_raw
    )
    return table.to_pandas().set_index("customer_id")


def tree(folder):
    """Every file and link of a folder, and what is in it."""
    paths = sorted(p for p in folder.rglob("*") if p.name != ".lock" and not p.is_dir())
    return {str(p.relative_to(folder)): p.read_bytes() for p in paths}


# Against the sample's truth


def test_exactly_the_planted_lines_are_set_aside(project, truth):
    found = pd.read_parquet(settings_of(project).prepared / "quarantine.parquet")
    found = found.assign(file=found["file"].map(lambda name: Path(name).name))
    met = {(file, rule, line) for file, rule, line in found[["file", "rule", "line"]].to_numpy()}
    planted = {
        (Path(file).name, RULE_OF.get(kind, kind), line)
        for file, of in truth["files"].items()
        for kind, lines in of.get("dirt_lines", {}).items()
        for line in lines
        if kind not in KEPT
    }
    assert len(planted) > 30 and met == planted and len(found) == len(planted)


def test_rows_read_are_rows_accepted_and_rows_set_aside(project, truth):
    settings = settings_of(project)
    made, data = prepared.stamp(settings), prepared.open(settings, "all")
    errors = data.quality[data.quality["level"] == "error"].groupby("table")["n_rows"].sum()
    assert len(errors) == 12
    for table in errors.index:
        read = sum(file["n_rows"] for file in made["files"] if file["table"] == table)
        assert read == getattr(data, table).count().execute() + errors[table]
    assert {Path(f["name"]).name: f["n_rows"] for f in made["files"]} == {
        Path(name).name: of["n_rows"] for name, of in truth["files"].items()
    }
    assert made["rows_read"] - made["rows_accepted"] == errors["transactions"]


def test_the_quality_of_a_region_is_that_of_its_own_rows(project, truth):
    """Planted lines stand in the sales file of their region, also those without a customer."""
    settings = settings_of(project)
    checks = {"missing_customer_id", "no_amount", "no_date", "in_the_future", "repeated_line"}
    whole = 0
    for region in REGIONS:
        found = prepared.open(settings, region).quality.set_index(["table", "check"])["n_rows"]
        planted = {
            RULE_OF.get(kind, kind): len(lines)
            for file, of in truth["files"].items()
            for kind, lines in of.get("dirt_lines", {}).items()
            if Path(file).stem == f"sales_{region}" and RULE_OF.get(kind, kind) in checks
        }
        assert found["transactions"][list(planted)].to_dict() == planted
        whole += found["transactions"][list(checks)].sum()
    every = prepared.open(settings, "all").quality.set_index(["table", "check"])["n_rows"]
    assert whole == every["transactions"][list(checks)].sum() > 30


@pytest.mark.parametrize("region", REGIONS)
def test_totals_of_every_region_are_the_planted_ones(project, truth, region):
    people = known(settings_of(project), region)
    of_type = {"all_types": people} | dict(list(people.groupby("customer_type")))
    for kind, totals in truth["regions"][region]["totals"].items():
        some = of_type.get(kind, people.head(0))
        assert (some["n_orders"] > 0).sum() == totals["n_customers"]
        assert some["n_orders"].sum() == totals["n_orders"]
        assert some["gross_sales"].sum() == pytest.approx(totals["gross_sales"], abs=0.005)
        assert some["net_sales"].sum() == pytest.approx(totals["net_sales"], abs=0.005)


def test_every_customer_is_in_one_region_and_all_has_them_all(project, truth):
    settings = settings_of(project)
    whole = known(settings, "all")
    parts = pd.concat(known(settings, region) for region in REGIONS)
    assert whole.index.is_unique and parts.index.is_unique
    pd.testing.assert_frame_equal(whole, parts.sort_index()[whole.columns], check_dtype=False)
    planted = {person["customer_id"]: person["region"] for person in people_of(truth)}
    assert whole["region"].to_dict() == planted


def test_the_planted_second_ids_are_merged_and_nobody_else(project, truth):
    settings, planted = settings_of(project), truth["second_ids"]
    pairs = {each["second_id"]: each["customer_id"] for each in planted["customers"]}
    assert prepared.merges(settings) == pairs and pairs
    found = prepared.open(settings, "all").quality.set_index(["table", "check"])["n_rows"]
    assert found["customers_raw", "merged_customer"] == len(pairs)
    assert found["customers_raw", "identity_conflict"] == 0
    assert found["referrals", "self_referral"] == len(planted["self_referrals"]) == 0, "too few"


def test_ids_keep_their_zeros_and_their_eighteen_digits(project):
    ids = known(settings_of(project), "all").index
    assert any(each.startswith("0") for each in ids)
    assert any(len(each) == 18 and each.isdigit() for each in ids)


# What else is known of customers


def test_measures_are_the_table_and_the_latest_imported_figures(project):
    settings = settings_of(project)
    data, day = prepared.open(settings, "all"), dt.date(2025, 3, 31)
    people, measures = known(settings, "all", "2025-03-31"), data.measures(day)
    pd.testing.assert_frame_equal(measures[people.columns], people)
    figures = pd.read_csv(
        project / "data" / "sample" / "raw" / "indicators.csv", dtype={"客户编号": str}
    )
    figures = figures[(figures["指标"] == "payment_days") & (figures["日期"] <= "2025-03-31")]
    last = figures.sort_values("日期").groupby("客户编号")["数值"].last().astype(float)
    found = measures["indicators.payment_days"].dropna()
    assert len(found) > 0 and found.to_dict() == last.reindex(found.index).to_dict()


def test_a_region_without_an_imported_figure_has_its_column_all_the_same(project):
    settings = settings_of(project)
    data = prepared.open(settings, "northeast")
    columns = {f"indicators.{name}" for name in prepared.imported(settings)}
    assert columns <= set(data.measures(data.last_day))


def test_a_mix_is_shares_of_spend_that_add_up_to_one(project):
    data = prepared.open(settings_of(project), "east")
    day = data.last_day
    mix = data.mix(("category", "not_there"), day)
    assert all(column.startswith("category:") for column in mix)
    assert (mix.sum(axis=1) - 1).abs().max() < 1e-12
    lines = data.transactions.to_pandas()
    sold = lines[lines["amount"] > 0].astype({"amount": float})
    own = sold[sold["customer_id"] == mix.index[0]].groupby("category")["amount"].sum()
    expected = (own / own.sum()).add_prefix("category:")
    found = mix.iloc[0][mix.iloc[0] > 0]
    pd.testing.assert_series_equal(found.sort_index(), expected, check_names=False)
    assert data.mix((), day).shape[1] == 0


def test_repeating_changes_nothing_before_and_buys_again_after(project):
    data = prepared.open(settings_of(project), "east")
    before = dt.date(2025, 6, 30)
    days = data.purchase_days(before).head(3)
    copies = days.rename(columns={"day": "copy_of"}).assign(day=pd.Timestamp("2025-08-01"))
    draws = [copies, copies.head(1)]
    for drawn, again in zip(draws, data.with_copied_days(draws, before), strict=True):
        pd.testing.assert_frame_equal(again.customers(before), data.customers(before))
        after = again.customers(data.last_day)["n_purchase_days"]
        gained = after - data.customers(before)["n_purchase_days"]
        expected = drawn.groupby("customer_id")["day"].nunique()
        assert gained[gained > 0].to_dict() == expected.to_dict()


# Days and regions


def test_histories_are_those_of_the_customers_who_bought(project):
    data, day = prepared.open(settings_of(project), "southwest"), dt.date(2025, 3, 31)
    people = data.customers(day)
    columns = ["x", "t_x", "T", "customer_type"]
    bought = people.loc[people["n_orders"] > 0, columns]
    assert len(bought) > 0
    pd.testing.assert_frame_equal(data.histories(day), bought, check_dtype=False)


def test_elsewhere_is_everybody_but_the_region(project):
    settings, day = settings_of(project), dt.date(2025, 12, 31)
    every, own, others = (
        set(data.histories(day).index)
        for data in (
            prepared.open(settings, "all"),
            prepared.open(settings, "east"),
            prepared.other_regions(settings, "east"),
        )
    )
    assert others == every - own and own and others
    assert prepared.other_regions(settings, "all").histories(day).empty


def test_as_of_is_the_last_accepted_day_of_all_regions(project):
    settings = settings_of(project)
    data = prepared.open(settings, "northeast")
    last = prepared.open(settings, "all").transactions.ordered_at.date().max().execute()
    own = data.transactions.ordered_at.date().max().execute()
    assert data.last_day == prepared.resolve_day(settings) == pd.Timestamp(last).date()
    assert pd.Timestamp(own).date() <= data.last_day <= dt.date(2025, 12, 31)
    assert prepared.resolve_day(settings, "2025-06-30") == dt.date(2025, 6, 30)
    assert prepared.resolve_day(settings, "2026-01-01") == dt.date(
        2026, 1, 1
    )  # the files go up to that day


@pytest.mark.parametrize("day", ["2022-12-31", "2026-01-02", "1999-01-01"])
def test_a_day_outside_the_data_is_refused(project, day):
    with pytest.raises(InputError, match=rf"as_of {day} is outside the data \(2023-01"):
        prepared.resolve_day(settings_of(project), day)


@pytest.mark.parametrize("day", ["soon", "2025-02-30", "30.06.2025"])
def test_what_is_no_day_is_refused(project, day):
    with pytest.raises(InputError, match=f"as_of '{day}' is not a date; write it as 2025-1"):
        prepared.resolve_day(settings_of(project), day)


def test_an_incomplete_last_day_is_found_and_the_day_before_is_taken(tmp_path):
    days = pd.date_range("2025-03-03", "2025-05-12").strftime("%Y-%m-%d")
    lines = [f"c{i},{day},1,Nord" for day in days for i in range(30 if day < days[-1] else 7)]
    lines += [f"c1,{days[-1]},-1,Nord", f"c2,{days[-1]},-1,Sud"]
    sales = "\n".join(["customer_id,ordered_at,amount,sold_in", *lines])
    settings = small(tmp_path, NAMED, {"sales.csv": sales})
    made = prepared.stamp(settings)
    assert made["incomplete_day"] == {"day": "2025-05-12", "n_buyers": 7, "usual": 30.0}
    assert prepared.resolve_day(settings) == dt.date(2025, 5, 11)
    assert prepared.resolve_day(settings, "2025-05-12") == dt.date(2025, 5, 12)
    quality = prepared.open(settings, "n").quality.set_index("check")
    assert quality.loc["incomplete_day", ["n_rows", "level"]].tolist() == [9, "info"]


def test_a_complete_last_day_is_not_mentioned(project):
    settings = settings_of(project)
    assert prepared.stamp(settings)["incomplete_day"] is None
    assert "incomplete_day" not in set(prepared.open(settings, "all").quality["check"])


def test_an_unknown_region_is_refused_with_those_there_are(project):
    with pytest.raises(InputError, match=r"no region 'weast'; choose from all, east, south, north"):
        prepared.open(settings_of(project), "weast")


def test_nothing_prepared_names_the_command(copied):
    shutil.rmtree(copied / "data" / "prepared")
    settings = settings_of(copied)
    assert prepared.stamp(settings) == {}
    with pytest.raises(InputError, match=r"no prepared tables; run `cvm prepare .*sample\.yaml`"):
        prepared.open(settings, "all")


# Once, and again where something changed


def test_a_second_time_changes_nothing(copied):
    before = tree(copied)
    assert prepare(settings_of(copied)) is False
    assert tree(copied) == before


def test_forced_it_makes_the_same_tables(copied):
    settings = settings_of(copied)
    before = known(settings, "all"), prepared.stamp(settings)
    assert prepare(settings, force=True) is True
    pd.testing.assert_frame_equal(known(settings, "all"), before[0])
    after = prepared.stamp(settings)
    assert after.pop("size") and before[1].pop("size"), "the engine packs rows in any order"
    assert after == before[1]


def test_a_changed_rule_prepares_again(copied):
    before = prepared.stamp(settings_of(copied))
    change(copied, "duplicates: quarantine", "duplicates: keep")
    assert prepare(settings_of(copied)) is True
    after = prepared.stamp(settings_of(copied))
    twice = after["rows_accepted"] - before["rows_accepted"]
    assert twice == sum(len(of["dirt_lines"]["duplicate"]) for of in dirty_files(copied))


def dirty_files(folder):
    truth = json.loads((folder / "data" / "sample" / "truth.json").read_text("utf-8"))
    read = (folder / "config" / "sample.yaml").read_text("utf-8")
    files = [of for name, of in truth["files"].items() if f"sample/{name}\n" in read]
    return [of for of in files if "duplicate" in of.get("dirt_lines", {})]


def test_a_changed_file_prepares_again(copied):
    raw = copied / "data" / "sample" / "raw" / "sales_south.csv"
    lines = raw.read_text("utf-8").splitlines(keepends=True)
    raw.write_text("".join(lines[:-1]), "utf-8")
    before = prepared.stamp(settings_of(copied))["rows_read"]
    assert prepare(settings_of(copied)) is True
    assert prepared.stamp(settings_of(copied))["rows_read"] == before - 1


def test_settings_that_concern_no_raw_row_do_not_prepare_again(copied):
    change(copied, "horizon_weeks: 52", "horizon_weeks: 26")
    change(copied, "business: Demo Flooring", "business: Demo Floors")
    assert prepare(settings_of(copied)) is False


# The gate


@pytest.fixture
def gated(copied):
    before = prepared.stamp(settings_of(copied))["fingerprint"]
    change(copied, "{default: 0.02}", "{default: 0.02, missing_customer_id: 0.001}")
    with pytest.raises(GateError) as error:
        prepare(settings_of(copied))
    return copied, before, str(error.value)


def test_too_many_bad_rows_stop_and_the_tables_before_stay(gated):
    folder, before, said = gated
    n_bad = sum(len(of["dirt_lines"]["missing_customer_id"]) for of in dirty_files(folder))
    assert re.search(
        rf"  missing_customer_id: {n_bad} rows of transactions are 0\.\d%, 0\.1%", said
    )
    assert "sample.yaml: too many bad rows, nothing is published" in said
    assert "in_the_future" not in said  # within its own limit
    assert "cvm quarantine" in said
    assert prepared.stamp(settings_of(folder))["fingerprint"] == before


def test_the_rejected_lines_of_a_stopped_run_are_kept_alone(gated):
    folder, _, _ = gated
    stopped = folder / "data" / "prepared" / "sample.stopped"
    kept = {path.name for path in stopped.resolve().iterdir()}
    assert kept == {"quarantine.parquet", "quality.parquet"}
    assert (pd.read_parquet(stopped / "quarantine.parquet")["rule"] == "missing_customer_id").any()
    assert not list((folder / "data" / "prepared").glob(".building-*"))


def test_the_next_good_one_forgets_what_was_stopped(gated):
    folder, _, _ = gated
    change(folder, "missing_customer_id: 0.001", "missing_customer_id: 0.9")
    assert prepare(settings_of(folder)) is True
    assert not list((folder / "data" / "prepared").glob("*stopped*"))
    assert not list((folder / "data" / "prepared").glob(".*stopped*"))


def test_a_limit_for_one_rule_leaves_the_others_at_the_default(copied):
    raw = copied / "data" / "sample" / "raw" / "sales_south.csv"
    header, *lines = raw.read_text("utf-8").splitlines()
    raw.write_text("\n".join([header, *("x,y" for _ in lines)]), "utf-8")
    change(copied, "{default: 0.02}", "{missing_customer_id: 0.9}")
    with pytest.raises(GateError, match=r"wrong_number_of_cells: .* 2\.0% are allowed"):
        prepare(settings_of(copied))


def test_a_file_without_one_good_row_is_refused_in_words(tmp_path):
    sales = "customer_id,ordered_at,amount,land\nC1,13/25/2025,10,Nord\nC2,31/31/2025,5,Nord\n"
    with pytest.raises(GateError, match=r"no row is accepted.*\n.*no_date: 2 rows"):
        small(tmp_path, "{from: land}", {"sales.csv": sales})
    config = tmp_path / "small.yaml"
    config.write_text(config.read_text("utf-8").replace("default: 1", "default: 0.5"), "utf-8")
    with pytest.raises(GateError, match=r"no_date: 2 rows of transactions are 100\.0%"):
        prepare(settings_module.load(config))


# All or nothing


def test_a_column_that_is_missing_leaves_what_was_there(copied):
    change(copied, "order_id: Order No", "order_id: Order Nr")
    before = tree(copied)
    with pytest.raises(InputError, match=r"sales_south\.csv: columns are missing") as error:
        prepare(settings_module.load(copied / "config" / "sample.yaml"))
    assert "order_id: no column 'Order Nr'" in str(error.value)
    assert "Order No" in str(error.value).splitlines()[-1]  # what the file has instead
    assert tree(copied) == before


def test_killed_half_way_the_old_tables_stay_and_the_next_run_clears_up(copied):
    settings = settings_of(copied)
    before = tree(copied)
    program = (
        "import os, signal, sys\n"
        "from cvm_analysis import validate\n"
        "from cvm_analysis.intake import prepare\n"
        "prepare.kept_rows.write = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "prepare.prepare(validate.check(sys.argv[1]), force=True)\n"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(settings.path)], check=False)
    assert killed.returncode == -9
    left = list(settings.prepared.parent.glob(".building-*"))
    assert left, "the test should kill a process that was building"
    assert {name: tree(copied)[name] for name in before} == before
    assert prepare(settings) is False, "even if there is nothing to prepare"
    assert not list(settings.prepared.parent.glob(".building-*"))


# Whose tables they are, and who still reads them

ONE = "customer_id,ordered_at,amount,sold_in\na,2025-01-01,1,Nord\n"
MORE = f"{ONE}b,2025-01-02,1,Sud\n"


def test_two_configs_that_share_a_folder_do_not_share_its_tables(tmp_path):
    """Two files of one name in different folders have the same folder of prepared tables."""
    for shop in ("here", "there"):
        (tmp_path / shop).mkdir()
    first = small(tmp_path / "here", NAMED, {"sales.csv": ONE}, prepared="../prepared")
    before = tree(tmp_path / "prepared")
    said = "belongs to Small (small.yaml) in another place, not to Small (small.yaml); name another"
    with pytest.raises(InputError, match=re.escape(said)):
        small(tmp_path / "there", NAMED, {"sales.csv": MORE}, prepared="../prepared")
    second = settings_module.load(tmp_path / "there" / "small.yaml")
    for use in (prepared.stamp, prepared.region_names, lambda each: prepared.open(each, "all")):
        with pytest.raises(InputError, match="belongs to Small"):
            use(second)
    assert tree(tmp_path / "prepared") == before
    assert known(first, "all").index.tolist() == ["a"]


def test_a_project_that_is_moved_keeps_its_tables(tmp_path):
    (tmp_path / "here").mkdir()
    small(tmp_path / "here", NAMED, {"sales.csv": ONE})
    (tmp_path / "here").rename(tmp_path / "there")
    moved = settings_module.load(tmp_path / "there" / "small.yaml")
    assert prepare(moved) is False
    assert known(moved, "all").index.tolist() == ["a"]


def test_tables_that_a_run_reads_stay_until_it_ends(tmp_path):
    settings = small(tmp_path, NAMED, {"sales.csv": ONE})
    old = prepared.stamp(settings)["fingerprint"]
    with prepared.kept(settings) as kept:
        small(tmp_path, NAMED, {"sales.csv": MORE})
        assert known(settings, "all").index.tolist() == ["a", "b"]
        assert known(kept, "all").index.tolist() == ["a"]
        assert known(prepared.pin(settings, old), "all").index.tolist() == ["a"]
        assert known(prepared.pin(settings), "all").index.tolist() == ["a", "b"]
    assert known(prepared.pin(settings, old), "all").index.tolist() == ["a", "b"], "gone by now"
    left = {path.name for path in tmp_path.glob(".prepared-*")}
    assert left == {settings.prepared.readlink().name}


# Pseudonyms


@pytest.fixture(scope="module")
def hidden(project, tmp_path_factory):
    """The same business with pseudonyms."""
    folder = tmp_path_factory.mktemp("hidden") / "copy"
    shutil.copytree(project, folder, symlinks=True)
    path = folder / "config" / "sample.yaml"
    path.write_text(re.sub("pseudonyms: off.*\n", "", path.read_text("utf-8")), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CVM_KEY", KEY)
        prepare(settings_of(folder))
    return settings_of(folder)


def test_ids_are_pseudonyms_of_thirteen_characters(hidden, truth):
    ids = known(hidden, "all").index
    assert len(ids) == len(people_of(truth)) > 400 and ids.is_unique
    assert ids.str.fullmatch("C[A-Z2-7]{12}").all()


def test_no_raw_id_is_left_in_anything_that_was_prepared(hidden, truth):
    raw = {person["customer_id"] for person in people_of(truth)}
    files = [p for p in hidden.prepared.resolve().rglob("*") if p.is_file()]
    assert {p.suffix for p in files} == {".parquet", ".json"}
    for path in files:
        if path.suffix == ".json":
            said = set(re.findall(r"\w+", path.read_text("utf-8")))
        else:
            cells = pd.read_parquet(path).to_numpy().ravel()
            said = {word for cell in cells for word in re.findall(r"\w+", str(cell))}
        assert not said & raw, path.name


def test_the_same_people_have_the_same_figures_under_their_pseudonyms(hidden, project):
    columns = ["region", "n_orders", "first_order", "last_order", "net_sales", "birth_date"]
    rows = [
        known(settings, "all")[columns].sort_values(columns).reset_index(drop=True)
        for settings in (hidden, settings_of(project))
    ]
    pd.testing.assert_frame_equal(*rows)


def test_one_key_one_pseudonym_another_key_another(tmp_path, monkeypatch):
    def ids(key, force=False):
        monkeypatch.setenv("CVM_KEY", key)
        settings = small(tmp_path, NAMED, {"sales.csv": sales}, pseudonyms="on")
        prepare(settings, force)
        return set(known(settings, "all").index)

    sales = "customer_id,ordered_at,amount,sold_in\n001,2025-01-01,1,Nord\n1,2025-01-01,1,Sud\n"
    first = ids(KEY)
    assert len(first) == 2 and ids(KEY, force=True) == first
    assert not ids(KEY + "!") & first
    assert ids(KEY) == first


@pytest.mark.parametrize("key", [None, "", "too short"])
def test_without_a_key_nothing_is_prepared(hidden, monkeypatch, key):
    monkeypatch.delenv("CVM_KEY", raising=False)
    if key is not None:
        monkeypatch.setenv("CVM_KEY", key)
    before = tree(hidden.prepared.parent)
    with pytest.raises(InputError, match="CVM_KEY holds no key of 16 characters or more"):
        prepare(hidden, force=True)
    assert tree(hidden.prepared.parent) == before


# Files of a few lines


def test_a_customer_has_the_region_of_their_record_else_of_their_first_purchase(tmp_path):
    sales = (
        "customer_id,ordered_at,amount,sold_in\n"
        "moved,2025-01-01,1,Nord\nmoved,2025-02-01,1,Sud\nmoved,2025-03-01,1,Sud\n"
        "known,2025-01-01,1,Nord\n"
        "back,2025-01-01,-1,Nord\nback,2025-02-01,1,Sud\n"  # a return is no purchase
        "odd,2025-01-01,1,Mars\nodd,2025-01-02,1,Sud\n"  # the first place is no region of ours
        "lost,2025-01-01,1,Mars\n"
    )
    people = "customer_id,region\nknown,Sud\nmoved,\nlater,Nord\n"
    settings = small(tmp_path, NAMED, {"sales.csv": sales}, people)
    assert known(settings, "all")["region"].to_dict() == {
        "moved": "n",
        "known": "s",
        "back": "s",
        "odd": "s",
        "later": "n",
    }
    rejected = pd.read_parquet(settings.prepared / "quarantine.parquet")
    assert rejected[["file", "line", "rule"]].to_numpy().tolist() == [
        ["sales.csv", 10, "no_region"]
    ]


def test_found_regions_are_named_after_their_word_and_small_ones_pooled(tmp_path):
    rows = [("UK", f"u{i}") for i in range(3)] + [("São Tomé", f"s{i}") for i in range(3)]
    rows += [("Malta", "m"), ("Cyprus", "c")]
    sales = "customer_id,ordered_at,amount,land\n"
    sales += "".join(f"{customer},2025-01-01,1,{land}\n" for land, customer in rows)
    regions = "{from: land, pool_below: 2, pooled: {en: Elsewhere, zh: 其他}}"
    settings = small(tmp_path, regions, {"sales.csv": sales})
    names = {key: each["en"] for key, each in prepared.stamp(settings)["regions"].items()}

    assert names == {"uk": "UK", "são-tomé": "São Tomé", "elsewhere": "Elsewhere"}
    assert prepared.stamp(settings)["regions"]["elsewhere"]["zh"] == "其他"
    assert set(known(settings, "elsewhere").index) == {"m", "c"}


def test_a_region_may_be_called_by_a_number(tmp_path):
    regions = (
        "{'2024': {match: [Nord], en: North, zh: 北}, '2025': {match: [Sud], en: South, zh: 南}}"
    )
    sales = "customer_id,ordered_at,amount,sold_in\na,2025-01-01,1,Nord\nb,2025-01-01,1,Sud\n"
    settings = small(tmp_path, regions, {"sales.csv": sales})
    assert known(settings, "all")["region"].to_dict() == {"a": "2024", "b": "2025"}
    assert known(settings, "2024").index.tolist() == ["a"]


def test_a_region_where_people_joined_and_nobody_bought_has_prospects(tmp_path):
    sales = "customer_id,ordered_at,amount,sold_in\na,2025-01-01,1,Nord\n"
    people = "customer_id,region,joined_on\na,Nord,2024-12-01\nb,Sud,2024-12-02\n"
    settings = small(tmp_path, NAMED, {"sales.csv": sales}, people)
    only = known(settings, "s")
    assert only["n_orders"].to_dict() == {"b": 0}
    assert prepared.open(settings, "s").transactions.count().execute() == 0


def test_files_with_and_without_order_numbers_can_stand_side_by_side(tmp_path):
    numbered = "customer_id,ordered_at,amount,sold_in,order_id\na,2025-01-01,1,Nord,1\n"
    numbered += "a,2025-01-01,1,Nord,2\n"
    plain = "customer_id,ordered_at,amount,sold_in\nb,2025-01-01,1,Sud\nb,2025-01-01,1,Sud\n"
    plain += "b,2025-01-03,1,Sud\n"
    settings = small(tmp_path, NAMED, {"one.csv": numbered, "two.csv": plain})
    assert known(settings, "all")["n_orders"].to_dict() == {"a": 2, "b": 2}


# A real business: UCI Online Retail


@pytest.fixture(scope="module")
def retail(data_set, tmp_path_factory):
    folder = tmp_path_factory.mktemp("retail")
    shutil.copytree(REAL, folder / "config")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CVM_DATA", str(data_set("online_retail").parent))
        settings = settings_of(folder, "online_retail")
        prepare(settings)
    return settings


@pytest.fixture(scope="module")
def shoppers(retail):
    return known(retail, "all", "2011-12-09")


def test_online_retail_loses_no_row(retail):
    made = prepared.stamp(retail)
    rejected = pd.read_parquet(retail.prepared / "quarantine.parquet")
    assert made["rows_read"] == 541_909  # as published with the data set
    assert made["rows_accepted"] + len(rejected) == 541_909
    assert rejected["rule"].value_counts().to_dict() == {"missing_customer_id": 135_080}
    assert made["as_of"] == "2011-12-08" and made["first_day"] == "2010-12-01"
    assert made["incomplete_day"] == {"day": "2011-12-09", "n_buyers": 35, "usual": 71.0}


def test_online_retail_has_its_published_totals(shoppers):
    buyers = shoppers[shoppers["n_orders"] > 0]
    assert len(shoppers) == 4_372
    assert len(buyers) == 4_338
    assert buyers["n_orders"].sum() == 18_532
    assert buyers["n_purchase_days"].sum() == 16_763
    assert buyers["gross_sales"].sum() == pytest.approx(8_911_407.904, abs=0.0005)


def test_online_retail_counts_customers_of_two_countries_once(retail, shoppers, data_set):
    raw = pd.read_csv(
        data_set("online_retail"),
        usecols=["CustomerID", "Country", "InvoiceDate", "Quantity", "UnitPrice"],
        dtype={"CustomerID": str},
        encoding_errors="replace",
    ).dropna(subset="CustomerID")
    raw["CustomerID"] = raw["CustomerID"].str.removesuffix(".0")  # 12370.0 is customer 12370
    n_countries = raw.groupby("CustomerID")["Country"].nunique()
    movers = n_countries.index[n_countries > 1]
    assert len(movers) == 8
    rows = prepared.open(retail, "all").transactions
    per_customer = rows.group_by("customer_id").aggregate(n=rows.region.nunique()).to_pandas()
    assert (per_customer["n"] == 1).all()
    bought = raw[(raw["Quantity"] * raw["UnitPrice"] > 0) & raw["CustomerID"].isin(movers)]
    bought = bought.assign(at=pd.to_datetime(bought["InvoiceDate"]))
    first = bought.sort_values("at", kind="stable").groupby("CustomerID")["Country"].first()
    names = {key: each["en"] for key, each in prepared.stamp(retail)["regions"].items()}
    found = shoppers.loc[first.index, "region"].map(names)
    expected = first.where(first.isin(names.values()), "Other countries")
    assert found.to_dict() == expected.to_dict()


def test_online_retail_pools_countries_of_fewer_than_fifty_customers(retail, shoppers):
    sizes = shoppers["region"].value_counts()
    assert sizes.drop("other-countries").min() >= 50
    assert set(sizes.index) == {"united-kingdom", "germany", "france", "other-countries"}
    assert sizes["united-kingdom"] in range(3_940, 3_960)  # 3,950 customers, some moved


def test_one_sheet_one_parquet_and_one_csv_of_a_glob_are_read_alike(sales_alone, copied):
    """The east's lines, dealt out to three kinds of files, give the tables the one file gave."""
    raw = copied / "data" / "sample" / "raw"
    lines = pd.read_csv(
        raw / "sales_east.csv", encoding="gb18030", dtype=str, keep_default_na=False
    )
    (raw / "east").mkdir()
    lines[0::3].to_csv(raw / "east" / "a.csv", index=False, encoding="utf-8")
    lines[1::3].to_excel(raw / "east" / "b.xlsx", index=False, engine="xlsxwriter")
    lines[2::3].to_parquet(raw / "east" / "c.parquet", index=False)
    change(
        copied, "- files: ../data/sample/raw/sales_east.csv", "- files: ../data/sample/raw/east/*"
    )
    change(copied, "      encoding: gb18030      # default", "      # default")
    settings = settings_of(copied)
    prepare(settings)
    pd.testing.assert_frame_equal(known(settings, "east"), known(settings_of(sales_alone), "east"))
    quarantined = pd.read_parquet(settings.prepared / "quarantine.parquet")["file"].unique()
    assert {"../data/sample/raw/east/b.xlsx", "../data/sample/raw/east/c.parquet"} <= set(
        quarantined
    )


def test_online_retail_names_every_customer_once_in_every_region(retail, shoppers):
    rules, gap = retail.segments.rfm, classes.usual_gap(shoppers)
    naming = classification_rules.Naming(
        rules, rules.find_cut_points(shoppers), gap, retail.segments.life_cycle
    )
    named = []
    for region in set(prepared.region_names(retail)) - {"all"}:
        names = naming.name(known(retail, region, "2011-12-09"))
        assert names.notna().all() and names.index.is_unique, region
        named.append(names)
    every = pd.concat(named)
    assert sorted(every.index) == sorted(shoppers.index)
    assert set(every) <= {*retail.segments.rfm.segments, "prospect"}
    pd.testing.assert_series_equal(
        every.sort_index(),
        naming.name(shoppers).sort_index(),
        check_names=False,
    )


# Lists that a desk returned

SALES = "customer_id,ordered_at,amount,sold_in\na,2025-01-01,1,Nord\nb,2025-01-01,1,Sud\n"
MEMBERS = (
    "customer_id,campaign_id,action,arm,at,account_id\n"
    "a,spring,old_action,treated,2025-02-01,home\nb,spring,old_action,control,2025-02-01,b\n"
    "stranger,spring,old_action,control,2025-02-01,home\n"
)
CONTACTS = (
    "customer_id,at,action\nstranger,2025-02-02,{0}\na,2025-02-02,{0}\nnew,2025-02-03,{0}\n"
    "a,,{0}\nb,2025-02-30,{0}\na,2025-02-04,no_such_action\n"
)
CONSENTS = "customer_id,channel,given,at\na,sms,是,2025-01-01\nstranger,sms,yes,2025-01-01\n"
PEOPLE = "customer_id,region\nnew,Nord\n"  # a prospect


def with_lists(folder, limit=1, **changed):
    codes = [each.code for each in settings_module.load(REAL / "sample.yaml").strategies.actions]
    lists = {"campaign_members": MEMBERS, "contact_log": CONTACTS.format(codes[0])}
    lists |= {"consents": CONSENTS}
    return small(folder, NAMED, {"sales.csv": SALES}, PEOPLE, others=lists, limit=limit, **changed)


def test_customers_that_nobody_knows_are_named_by_file_line_and_reason(tmp_path):
    settings = with_lists(tmp_path)
    found = pd.read_parquet(settings.prepared / "quarantine.parquet")
    found = found[found["rule"] == "no_region"].sort_values("file")
    assert found[["file", "line", "column"]].to_numpy().tolist() == [
        ["campaign_members.csv", 4, "customer_id"],
        ["consents.csv", 3, "customer_id"],
        ["contact_log.csv", 2, "customer_id"],
    ]


def test_each_region_has_its_lists_and_one_without_rows_has_none(tmp_path):
    settings = with_lists(tmp_path)
    north, south = (prepared.open(settings, region) for region in ("n", "s"))
    assert set(north.to_pandas("contact_log")["customer_id"]) == {"a", "new"}
    assert north.to_pandas("consents")["given"].tolist() == [True]
    assert south.to_pandas("campaign_members")["arm"].tolist() == ["control"]
    assert south.to_pandas("consents").empty
    sales_alone = small(tmp_path, NAMED, {"sales.csv": SALES})
    data = prepared.open(sales_alone, "all")
    assert data.campaign_members is data.contact_log is data.consents is None
    assert list(data.to_pandas("consents")) == ["customer_id", "channel", "given", "at"]


def test_a_messy_contact_log_stops_no_report_but_messy_consents_do(tmp_path):
    with pytest.raises(GateError) as error:
        with_lists(tmp_path, limit=0.1)
    assert "no_region: 1 rows of consents are 50.0%" in str(error.value)
    assert "rows of contact_log" not in str(error.value)  # each of four rules excludes a sixth


def test_an_action_that_the_catalogue_gains_is_accepted_at_the_next_prepare(tmp_path):
    settings = with_lists(tmp_path)
    assert len(prepared.open(settings, "all").to_pandas("contact_log")) == 2
    file = tmp_path / "strategies.yaml"
    code = settings.strategies.actions[0].code
    file.write_text(file.read_text("utf-8").replace(f"  {code}:", "  no_such_action:"), "utf-8")
    renamed = settings_module.load(settings.path)
    assert prepare(renamed) is True
    log = prepared.open(renamed, "all").to_pandas("contact_log")
    assert log["action"].tolist() == ["no_such_action"]
    assert prepare(renamed) is False


def test_a_list_may_return_with_ids_or_with_their_pseudonyms(tmp_path, monkeypatch):
    monkeypatch.setenv("CVM_KEY", KEY)
    settings = with_lists(tmp_path, pseudonyms="on")
    members = prepared.open(settings, "all").to_pandas("campaign_members").set_index("arm")
    hidden = members["customer_id"]
    assert members["account_id"].str.fullmatch("C[A-Z2-7]{12}").all()
    assert members.loc["control", "account_id"] == hidden["control"]
    log = tmp_path / "contact_log.csv"
    text = log.read_text("utf-8")
    log.write_text(text.replace("\na,2025-02-02", f"\n{hidden['treated']},2025-02-02"))
    assert prepare(settings) is True
    found = prepared.open(settings, "all").to_pandas("contact_log")
    assert hidden["treated"] in set(found["customer_id"]) and len(found) == 2


# Points, referrals and leads

POINTS = "customer_id,at,kind,points\na,2025-01-02,earn,10\nb,2025-01-02,earn,20\n"
REFERRALS = "customer_id,referred_id,at\na,b,2025-01-01\nb,later,2025-01-02\n"
LEADS = (
    "lead_id,created_on,stage,stage_at,customer_id,closed_on,outcome,region\n"
    "L1,2025-01-01,new,2025-01-01,,,,Sud\nL2,2025-01-01,new,2025-01-01,a,,,Sud\n"
    "L3,2025-01-01,new,2025-01-01,stranger,2025-01-03,lost,Nord\nL4,2025-01-01,new,,,,,Moon\n"
)


def with_experience(folder, **changed):
    others = {"points": POINTS, "referrals": REFERRALS, "leads": LEADS}
    return small(folder, NAMED, {"sales.csv": SALES}, PEOPLE, others=others, **changed)


def test_a_lead_is_in_its_customers_region_else_in_the_one_it_names(tmp_path):
    settings = with_experience(tmp_path)
    north, south = (prepared.open(settings, region) for region in ("n", "s"))
    assert sorted(north.to_pandas("leads")["lead_id"]) == ["L2", "L3"]
    assert sorted(south.to_pandas("leads")["lead_id"]) == ["L1"]
    assert north.to_pandas("points")["points"].tolist() == [10]
    assert south.to_pandas("referrals")["referred_id"].tolist() == ["later"]
    found = pd.read_parquet(settings.prepared / "quarantine.parquet")
    assert found[["file", "line", "rule", "value"]].to_numpy().tolist() == [
        ["leads.csv", 5, "no_region", "Moon"]
    ]


def test_who_was_referred_has_the_pseudonym_of_a_customer(tmp_path, monkeypatch):
    monkeypatch.setenv("CVM_KEY", KEY)
    data = prepared.open(with_experience(tmp_path, pseudonyms="on"), "all")
    referred = data.to_pandas("referrals").set_index("at").sort_index()["referred_id"]
    buyers = data.to_pandas("transactions")
    second = buyers.loc[buyers["sold_in"] == "s", "customer_id"].iloc[0]
    assert referred.iloc[0] == second
    assert referred.str.fullmatch("C[A-Z2-7]{12}").all()
    leads = data.to_pandas("leads").set_index("lead_id")["customer_id"]
    assert pd.isna(leads["L1"]) and leads["L2"] in set(buyers["customer_id"])


def test_hashes_of_personal_values_are_kept_with_pseudonyms_only(tmp_path, monkeypatch):
    from cvm_analysis.personal import known

    monkeypatch.setenv("CVM_KEY", KEY)
    sales = "customer_id,ordered_at,amount,sold_in\n00000001,2025-01-01,1,Nord\n"
    people = "customer_id,region,name\n00000001,Nord,Anna Schmidt\n"
    (tmp_path / "off").mkdir()
    settings = small(tmp_path, NAMED, {"sales.csv": sales}, people, "on", mask=("name",))
    kept = known.load(settings.prepared, known.derive(KEY.encode()))
    assert kept.count({"00000001", "annaschmidt", "anna"}) == 2 and len(kept.hashes) == 4
    off = small(tmp_path / "off", NAMED, {"sales.csv": sales}, people, mask=("name",))
    assert not (off.prepared / known.FILE).exists()


def test_a_pseudonym_that_came_back_on_a_list_is_no_personal_value(tmp_path, monkeypatch):
    from cvm_analysis.intake.pseudonyms import pseudonym
    from cvm_analysis.personal import known

    monkeypatch.setenv("CVM_KEY", KEY)
    hidden = pseudonym("00000001", KEY.encode())
    sales = (
        "customer_id,ordered_at,amount,sold_in\n00000001,2025-01-01,1,Nord\n"
        f"{hidden},2025-01-02,1,Nord\n"
    )
    settings = small(tmp_path, NAMED, {"sales.csv": sales}, pseudonyms="on")
    kept = known.load(settings.prepared, known.derive(KEY.encode()))
    assert kept.count({"00000001"}) == 1 and kept.count({hidden.lower()}) == 0
