"""Raw files to published reports, once, by the command a user types; then what came of it."""

import csv
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import papermill
import planting
import printed_figures
import pytest

from cvm_analysis import customers, notebooks, prepared, results, sample
from cvm_analysis import settings as settings_module
from cvm_analysis.errors import InputError
from cvm_analysis.intake.pseudonyms import pseudonym
from cvm_analysis.personal import known
from cvm_analysis.run import exposure_gate
from cvm_analysis.strategy import ledger
from cvm_analysis.tables import HANDED_IN, TABLES, check
from cvm_analysis.tables.results import RESULTS
from cvm_analysis.texts import words

ROOT = Path(__file__).parent.parent
DAY = "2025-06-30"  # not the prepared one
REGIONS = ("all", "east", "northeast", "south")
POOLED = ("north", "central", "southwest")  # and south: one region, for a company of three
NOTEBOOKS = notebooks.select("transactions")
NAME = f"Demo-Flooring-{{}}-{DAY}.en.html"  # of what managers get
HANDFUL = 4  # people left in the northeast
KEY = "a key for tests, no secret"
EARLIER, OFFER = "2025-03-01", "win_back_offer"  # an earlier list, and what it asked for
GIVEN = 77  # points added to a second id by hand


class Done(NamedTuple):
    """A command that came to its end."""

    code: int
    out: str
    err: str


def cvm(folder, *arguments):
    command = [sys.executable, "-c", "from cvm_analysis.cli import main; main()", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return Done(done.returncode, done.stdout, done.stderr)


def run(folder, *more, regions=REGIONS):
    named = [argument for key in regions for argument in ("--region", key)]
    where = ("--notebooks", str(ROOT / "notebooks"), "--as-of", DAY, "--jobs", "2")
    return cvm(folder, "run", "config/sample.yaml", *named, *where, *more)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The sample business of 1,500 customers in three regions, a handful in the northeast.

    Customers get pseudonyms. One of the handful has two ids, of which the later one was given
    points, and its pseudonym is in the ledger and on a list that came back.
    """
    folder = tmp_path_factory.mktemp("business")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CVM_KEY", KEY)
        sample.make(folder / "data" / "sample", 1_500)
        shutil.copytree(ROOT / "config", folder / "config")
        pool_regions(folder / "config" / "sample.yaml")
        use_pseudonyms(folder / "config" / "sample.yaml")
        leave_a_handful(folder / "data" / "sample")
        remember(folder, shown(second_id(folder)["second_id"]))
        yield folder


def shown(raw_id):
    return pseudonym(raw_id, KEY.encode())


def truth_of(folder):
    return json.loads((folder / "data" / "sample" / "truth.json").read_text("utf-8"))


def second_id(folder):
    """Who of the northeast has two ids."""
    return truth_of(folder)["second_ids"]["customers"][0]


def use_pseudonyms(config):
    text = config.read_text("utf-8")
    config.write_text(re.sub("^pseudonyms: off .*\n", "", text, flags=re.MULTILINE), "utf-8")


def remember(folder, later):
    """Add a contact and a ledger of an earlier day under a pseudonym, and points under its id."""
    raw = folder / "data" / "sample" / "raw"
    with (raw / "contact_log.csv").open("a", encoding="gb18030") as file:
        file.write(f"{EARLIER},{later},{OFFER},2025-03-04,sms,sales,reached\n")
    with (raw / "points.csv").open("a", encoding="utf-8") as file:
        file.write(f"{second_id(folder)['second_id']},2025-05-01,adjust,{GIVEN},\n")
    action = dict.fromkeys(TABLES["actions"].columns, "")
    action |= {"customer_id": later, "action": OFFER, "rank": 1, "due_on": pd.Timestamp(EARLIER)}
    action |= {"cost": 5.0, "window_base": 40.0, "expected_gain": 8.0, "forecast": 10.0}
    action |= {"measure": "margin", "window_days": 90.0, "in_plan": True}
    rows = ledger.to_rows(pd.DataFrame([action]), "northeast", pd.Timestamp(EARLIER).date(), 0.1)
    path = folder / "data" / "ledger" / "sample" / "northeast" / f"{EARLIER}.parquet"
    path.parent.mkdir(parents=True)
    rows.reset_index().to_parquet(path, index=False)


def pool_regions(config):
    """Leave three regions in the config."""
    text = config.read_text("utf-8")
    for key in POOLED:
        text = re.sub(rf"^  {key}: .*\n", "", text, flags=re.MULTILINE)
        text = re.sub(rf"region: {key}\b", "region: south", text)
    text = text.replace("match: [华南]", "match: [华南, 华北, 华中, 西南]")
    config.write_text(text, "utf-8")


def leave_a_handful(made):
    """Take all but a few people of the northeast out of every raw file."""
    truth = json.loads((made / "truth.json").read_text("utf-8"))
    people = [*truth["customers"], *truth["trade"]]
    twice = {each["customer_id"]: each["second_id"] for each in truth["second_ids"]["customers"]}
    there = [p["customer_id"] for p in people if p["region"] == "northeast"]
    gone = set(sorted(there, key=lambda each: each not in twice)[HANDFUL:])
    assert len(gone & set(twice)) == 0
    for name, of in truth["files"].items():
        with (made / name).open(encoding=of["encoding"], newline="") as file:
            kept = [row for row in csv.reader(file) if not gone & set(row)]
        with (made / name).open("w", encoding=of["encoding"], newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(kept)


@pytest.fixture(scope="module")
def first(folder):
    """The first run."""
    return run(folder)


@pytest.fixture(scope="module")
def reports(folder, first):
    assert first.code == 0, first.err
    return folder / "reports"


@pytest.fixture(scope="module")
def settings(folder, first):
    return settings_module.load(folder / "config" / "sample.yaml")


def published(reports, region):
    return reports / region / DAY


def table(reports, region, name):
    return pd.read_parquet(published(reports, region) / "desk" / "tables" / f"{name}.parquet")


def contents(folder):
    """Every file of a folder, links followed, and its sha256."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


# The run


def test_it_ends_well_and_names_the_portal(first):
    assert first.code == 0, first.err
    assert "Traceback" not in first.err and "Warning" not in first.err
    assert first.out.splitlines()[-1] == "reports/index.html"
    for region in REGIONS:
        assert f"{region}: published" in first.err


def test_every_region_has_a_report_and_status_says_so(folder, reports):
    said = cvm(folder, "status", "reports")
    assert said.code == 0
    assert [line.split()[:3] for line in said.out.splitlines()] == [
        [region, DAY, "good"] for region in REGIONS
    ]


def test_names_of_regions_appear(reports):
    portal = Page((reports / "index.html").read_text("utf-8")).text
    for region, name in zip(REGIONS, ("All regions", "East", "Northeast", "South"), strict=True):
        page = Page(report_of(reports, region))
        assert name in portal
        assert f"Demo Flooring – {name}" in page.text


def test_links_of_the_portal_lead_to_shared_reports_only(reports):
    links = Page((reports / "index.html").read_text("utf-8")).values("href")
    leading = [link for link in links if not link.startswith(("#", "data:"))]
    assert {f"{region}/{DAY}/share/{NAME.format(region)}" for region in REGIONS} <= set(leading)
    assert all((reports / link).is_file() and "/desk/" not in link for link in leading)


# One person, one row; and nobody exposed


def test_a_person_under_two_ids_is_one_customer_with_all_that_was_done(reports, folder, settings):
    known_as = second_id(folder)
    later, person = shown(known_as["second_id"]), shown(known_as["customer_id"])
    assert prepared.merges(settings)[later] == person
    (found,) = (
        each
        for each in truth_of(folder)["customers"]
        if each["customer_id"] == known_as["customer_id"]
    )
    people = table(reports, "northeast", "customers").set_index("customer_id")
    data = prepared.open(settings, "northeast")
    orders = data.to_pandas("transactions").query("customer_id == @person and amount > 0")
    assert orders["order_id"].nunique() == len(found["amounts"])
    before = orders[orders["ordered_at"] < pd.Timestamp(DAY) + pd.Timedelta(days=1)]
    assert people["n_orders"][person] == before["order_id"].nunique()
    assert (
        orders["ordered_at"].min() < pd.Timestamp(known_as["since"]) <= before["ordered_at"].max()
    )
    points = data.to_pandas("points").query("customer_id == @person")
    assert (points["points"] == GIVEN).sum() == 1


def test_the_ledger_of_an_earlier_pseudonym_is_read_as_the_persons(reports, folder):
    later, person = (shown(second_id(folder)[each]) for each in ("second_id", "customer_id"))
    assert table(reports, "northeast", "ledger")["customer_id"].tolist() == [person]
    (done,) = table(reports, "northeast", "ledger_results").to_dict("records")
    assert (done["action"], done["n_recommended"], done["n_done"]) == (OFFER, 1, 1)
    kept = folder / "data" / "ledger" / "sample" / "northeast" / f"{EARLIER}.parquet"
    assert pd.read_parquet(kept)["customer_id"].tolist() == [later], "the ledger itself stays"


def test_no_earlier_pseudonym_is_in_a_report(reports, settings):
    earlier = set(prepared.merges(settings))
    for path in reports.rglob("*.parquet"):
        texts = pd.read_parquet(path).select_dtypes(["object", "string"])
        assert not any(earlier & set(texts[column].astype(str)) for column in texts), path


def test_a_crm_gets_every_customer_of_the_regions_once_and_nobody_is_exposed(
    reports, folder, settings
):
    for system in ("zoho", "fxiaoke", "csv"):
        done = cvm(folder, "export", "config/sample.yaml", "--to", system)
        assert done.code == 0 and not done.err, done.err
        again = cvm(folder, "export", "config/sample.yaml", "--to", system)
        assert "no row has changed" in again.out
    made = settings.exports / "csv" / "0001"
    rows = {path.stem: pd.read_csv(path, dtype=str) for path in made.iterdir()}
    people = table(reports, "all", "customers")
    assert sorted(rows["customers"]["customer_id"]) == sorted(people["customer_id"])
    assert not set(rows["customers"]["customer_id"]) & set(prepared.merges(settings))
    actions = pd.concat([table(reports, region, "actions") for region in REGIONS[1:]])
    planned = actions[actions["in_plan"] & (actions["arm"] != "control")]
    assert len(rows["tasks"]) == len(planned)
    agreed = planned[planned["consent"].isin(["given", "not_needed"])]
    agreed = agreed[agreed["kind"] == "marketing"]
    listed = rows["members"][["customer_id", "action_code", "channel_code"]].to_numpy().tolist()
    assert sorted(listed) == sorted(
        agreed[["customer_id", "action", "channel"]].to_numpy().tolist()
    )
    people = known.load(settings.prepared, known.derive(KEY.encode()))
    exposure_gate.check(settings.exports, people, tuple(settings.files))


def test_a_personal_value_in_any_place_of_any_output_is_found(reports, tmp_path):
    """A number in each column of each table and list, each text and attribute of each page."""
    source, values, key = published(reports, "northeast"), planting.Values(), known.derive(b"-")
    copies = tmp_path / "copies"
    copies.mkdir()
    planted = {}
    for path in sorted(path for path in source.rglob("*") if path.is_file()):
        name, before = path.relative_to(source).as_posix().replace("/", " "), len(values.planted)
        if planting.plant(path, copies / name, values):
            planted[name] = len(values.planted) - before
    assert len(planted) > 80 and len(values.planted) > 10_000
    known.save(tmp_path, values.planted, key)
    with pytest.raises(InputError) as error:
        exposure_gate.check(copies, known.load(tmp_path, key), ())
    assert str(error.value).startswith(f"{len(values.planted):,} personal values")


# The tables


@pytest.mark.parametrize("region", REGIONS)
def test_every_table_has_the_described_columns_in_order_of_its_key(reports, region):
    described = notebooks.describe()
    written = {name for each in NOTEBOOKS for name in described[each].writes}
    found = {p.stem for p in (published(reports, region) / "desk" / "tables").iterdir()}
    assert found == written | set(HANDED_IN)
    for name in found:
        rows, spec = table(reports, region, name), TABLES[name]
        check(name, rows)
        ours = [column for column in spec.columns if column in rows]
        assert list(rows.columns[: len(ours)]) == ours
        assert spec.others or len(ours) == rows.shape[1], name
        assert rows.equals(rows.sort_values(list(spec.key)).reset_index(drop=True)), name


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_reads_and_writes_what_it_is_described_with(reports, name):
    done = published(reports, "east") / "desk" / "done"
    signed = json.loads((done / notebooks.signature(name, "en")).read_text())
    described = notebooks.describe()[name]
    assert signed["reads"] == sorted(set(described.reads) - set(described.writes))
    assert signed["writes"] == sorted(described.writes)


def test_tables_say_over_which_horizon_they_look(reports, settings):
    weeks, days = settings.value.horizon_weeks, settings.churn.horizon_days
    totals = ("value", "value_draws", "value_totals")
    ahead = {name: {"horizon_weeks": weeks} for name in totals}
    ahead |= {"churn": {"horizon_weeks": weeks, "horizon_days": days}}
    ahead |= {"strategy": {"horizon_weeks": weeks}, "customers": {}}
    assert {name: table(reports, "all", name).attrs for name in ahead} == ahead


def test_regions_are_parts_of_the_whole(reports, settings):
    whole = table(reports, "all", "customers").set_index("customer_id")
    parts = []
    for region in prepared.stamp(settings)["regions"]:
        data = prepared.open(settings, region)
        day = prepared.resolve_day(settings, DAY)
        people = customers.as_of(data.transactions, day, data.customers_raw).to_pandas()
        parts.append(people.set_index("customer_id")[["net_sales"]])
    together = pd.concat(parts)
    assert len(parts) == 3 and together.index.is_unique
    assert together["net_sales"].sort_index().equals(whole["net_sales"])
    for region in REGIONS[1:]:
        mine = table(reports, region, "customers").set_index("customer_id")
        assert mine["net_sales"].equals(whole.loc[whole["region"] == region, "net_sales"])


def test_regions_add_up_to_the_company(reports):
    """Customers, sales, value, stake, risks: the sums of the regions are those of `all`."""
    sums = {
        "customers": ["net_sales", "gross_sales", "n_orders"],
        "value": ["expected_margin", "expected_orders", "churned_value", "margin_at_stake"],
        "churn": ["margin_at_stake", "churn_risk"],
        "contract_churn": ["p_end_90d", "p_end_365d"],
        "transitions": ["n_customers", "net_sales"],
    }
    for name, columns in sums.items():
        whole, *parts = (table(reports, region, name)[columns].astype(float) for region in REGIONS)
        together = sum(part.sum() for part in parts)
        assert together.to_dict() == pytest.approx(whole.sum().to_dict(), rel=1e-9), name
        if name != "transitions":
            assert sum(map(len, parts)) == len(whole), name
    portal = [manifest(reports, region)["figures"]["values"] for region in REGIONS]
    for name in ("net_sales_year", "expected_margin", "margin_at_stake", "n_actions_open"):
        whole, *each = (figures.get(name, 0.0) for figures in portal)
        assert whole == pytest.approx(sum(each)) and whole > 0, name


def test_a_customer_has_the_same_figures_in_both_reports(reports):
    for name, described in RESULTS.items():
        if described.company == "rows":
            key = list(described.key)
            parts = [table(reports, region, name) for region in REGIONS[1:]]
            parts = pd.concat([each for each in parts if len(each)]).set_index(key).sort_index()
            whole = table(reports, "all", name).set_index(key)
            pd.testing.assert_frame_equal(parts[whole.columns], whole, check_dtype=False)


def test_the_report_of_the_company_says_that_no_region_is_missing(reports):
    assert "adds up the reports of all 3 regions" in Page(report_of(reports, "all")).text
    assert "reports of all" not in Page(report_of(reports, "east")).text
    made = manifest(reports, "all")
    for region in REGIONS[1:]:
        assert made["regions"][region]["fingerprint"] == manifest(reports, region)["fingerprint"]


def test_only_what_was_known_that_day_is_in_the_tables(reports, folder):
    whole = table(reports, "all", "customers")
    assert whole["last_order"].max() <= pd.Timestamp(DAY)
    assert (whole["joined_on"].fillna(pd.Timestamp(DAY)) <= pd.Timestamp(DAY)).mean() > 0.99
    truth = truth_of(folder)
    planted = {shown(p["customer_id"]) for p in [*truth["customers"], *truth["trade"]]}
    assert set(whole["customer_id"]) < planted


@pytest.mark.parametrize("region", REGIONS)
def test_tables_of_a_region_speak_of_the_same_customers(reports, settings, region):
    people = table(reports, region, "customers").set_index("customer_id")
    segments = table(reports, region, "segments").set_index("customer_id")
    worth = table(reports, region, "value").set_index("customer_id")
    assert segments.index.equals(people.index) and segments["segment"].notna().all()
    assert worth.index.isin(people.index[people["n_orders"] > 0]).all()
    strategy = table(reports, region, "strategy").query("rank == 1")
    for scheme in ("segment", "frequency", "amount", "loyalty", "life_cycle"):
        sizes = segments[scheme].value_counts()
        found = strategy[strategy["scheme"] == scheme].set_index("class")["n_members"]
        assert found.to_dict() == sizes[sizes >= settings.strategies.min_segment].to_dict()


def test_actions_are_many_serve_every_type_and_none_fills_the_call_list(reports):
    people = table(reports, "all", "customers").set_index("customer_id")
    actions = table(reports, "all", "actions")
    assert actions["action"].nunique() >= 8
    assert set(actions["customer_id"].map(people["customer_type"])) == {
        "retail",
        "project",
        "dealer",
    }
    churn = table(reports, "all", "churn").dropna(subset="list_priority")
    listed = churn.nlargest(100, "list_priority")["customer_id"]
    first = actions[actions["rank"] == 1].set_index("customer_id")["action"].reindex(listed)
    assert first.value_counts().max() <= len(listed) / 2


def test_a_customer_with_a_recovery_action_gets_no_offer(reports):
    actions = table(reports, "all", "actions")
    recovered = actions.loc[actions["kind"] == "recovery", "customer_id"]
    assert len(recovered) and not set(recovered) & set(
        actions.loc[actions["kind"] == "marketing", "customer_id"]
    )


@pytest.mark.parametrize("region", REGIONS[1:])
def test_the_plan_keeps_to_budget_and_capacities(reports, settings, region):
    rules, actions = settings.strategies, table(reports, region, "actions")
    planned = actions[actions["in_plan"]]
    assert planned["cost"].sum() <= rules.budget["default"]
    for owner, each in rules.owners.items():
        assert (planned["owner"] == owner).sum() <= each.capacity["default"]


def test_the_desk_gets_every_planned_contact_once_and_no_control(reports):
    actions = table(reports, "east", "actions")
    planned = actions[actions["in_plan"] & (actions["arm"] != "control")]
    listed = pd.read_csv(
        published(reports, "east") / "desk" / "lists" / "actions.en.csv", dtype=str
    )
    keys = ["customer_id", "action_code"]
    assert sorted(map(tuple, listed[keys].to_numpy())) == sorted(
        map(tuple, planned[["customer_id", "action"]].to_numpy())
    )


def test_no_list_asks_for_a_channel_that_the_customer_refused(reports, settings):
    """Of several answers the last one by the day counts, of one day the refusal."""
    answers = pd.read_parquet(settings.prepared / "consents")
    answers = answers[pd.to_datetime(answers["at"]) <= DAY]
    answers = answers.sort_values(["at", "given"], ascending=[True, False])
    last = answers.groupby(["customer_id", "channel"])["given"].last()
    given, refused = (set(last.index[last == answer]) for answer in (True, False))
    asked = {a.code: a.channel[0] for a in settings.strategies.actions if a.needs_consent}
    n_asked = n_by_another = 0
    for region in REGIONS[1:]:
        lists = published(reports, region) / "desk" / "lists"
        listed = pd.read_csv(lists / "actions.en.csv", dtype=str)
        wanted = listed[listed["action_code"].isin([*asked])]
        pairs = set(zip(wanted["customer_id"], wanted["channel_code"], strict=True))
        assert pairs <= given and not pairs & refused
        n_asked += len(wanted)
        n_by_another += (wanted["channel_code"] != wanted["action_code"].map(asked)).sum()
    assert n_asked > 3 * n_by_another > 150  # some agreed to the second channel alone


def test_the_desk_gets_all_lists_as_one_workbook(reports):
    lists = published(reports, "east") / "desk" / "lists"
    names = ["actions.en.csv", "segments.en.csv", "watchlist.en.csv"]
    book = NAME.format("east").replace(".html", ".xlsx")
    assert sorted(path.name for path in lists.iterdir()) == sorted([book, *names])
    for sheet, name in enumerate(("watchlist", "actions", "segments")):
        rows = pd.read_csv(lists / f"{name}.en.csv", dtype=str)
        assert len(pd.read_excel(lists / book, sheet, engine="calamine")) == len(rows)
    due = pd.read_csv(lists / "watchlist.en.csv", dtype={"customer_id": str})
    churn = table(reports, "east", "churn").set_index("customer_id")
    assert set(due["customer_id"]) == set(churn.index[churn["list_priority"] > 0])


def test_what_is_recommended_goes_into_the_ledger(reports, folder):
    for region in REGIONS[1:]:
        rows = pd.read_parquet(folder / "data" / "ledger" / "sample" / region / f"{DAY}.parquet")
        actions = table(reports, region, "actions")
        assert len(rows) == actions["in_plan"].sum()


@pytest.mark.parametrize("region", ["all", "east", "northeast"])
def test_every_buyer_has_a_grade_and_its_reasons_add_up_to_the_score(reports, region):
    people = table(reports, region, "customers").set_index("customer_id")
    grades = table(reports, region, "grades").set_index("customer_id")
    assert grades.index.equals(people.index[people["n_orders"] > 0])
    if region == "all":
        assert set(grades["customer_type"]) == {"retail", "project", "dealer"}
        graded = grades[grades["grade"] != "not_graded"]
        assert set(graded["customer_type"]) == {"retail", "project", "dealer"}
    parts = table(reports, region, "grade_points").groupby("customer_id")["contribution"].sum()
    scores = grades["score"].dropna()
    assert (parts - scores).abs().max() < 1e-6 and len(parts) == len(scores)
    history = table(reports, region, "grade_history").groupby("customer_id")["grade"].last()
    known = history[history != "not_graded"]
    assert known.equals(grades["grade"].reindex(known.index))


def test_moves_add_up_to_the_customers_of_either_day(reports):
    moves = table(reports, "all", "transitions")
    people = table(reports, "all", "customers")
    for scheme, rows in moves.groupby("scheme"):
        assert rows["n_customers"].sum() == (people["n_orders"] > 0).sum(), scheme
        known = rows[rows["before"] != "not_yet"]
        assert known["expected"].sum() == pytest.approx(known["n_customers"].sum())


def test_a_region_of_a_handful_has_a_report_that_says_what_was_left_out(reports):
    made = manifest(reports, "northeast")
    assert made["rows"]["customers"] == HANDFUL
    notes = {note["code"]: note for note in made["notes"]}
    assert {"borrowed_histories", "own_mean_few_repeat_buyers"} <= notes.keys()
    worth = table(reports, "northeast", "value")
    assert notes["borrowed_histories"]["have"] == pytest.approx(
        100 * len(worth) / (len(worth) + 100)
    )
    say = words("en")
    have = say.number(notes["borrowed_histories"]["have"])
    said = say("notes.borrowed_histories", have=have, need="100")
    assert said in Page(report_of(reports, "northeast")).text


def test_a_region_is_measured_by_the_limits_of_the_company(reports):
    desk = published(reports, "all") / "desk"
    lent = (published(reports, "east") / "desk" / "company.json").read_bytes()
    assert lent == (desk / "reference.json").read_bytes()
    assert not (desk / "company.json").exists()


# Alone, again, and again by force


def test_a_notebook_alone_writes_the_same_tables(reports, settings, tmp_path):
    desk = published(reports, "east") / "desk"
    results.open(settings.path, "east", DAY, tmp_path).copy_from(desk)
    made = [tmp_path / "tables" / f"{name}.parquet" for name in ("value", "backtest")]
    made[0].unlink()  # the other one also holds what 06 found
    before = made[1].stat().st_mtime_ns
    asked = {"config": str(settings.path), "region": "east", "as_of": DAY}
    papermill.execute_notebook(
        ROOT / "notebooks" / "05_value.ipynb",
        tmp_path / "out.ipynb",
        parameters=asked | {"run_dir": str(tmp_path), "language": "en"},
        cwd=tmp_path,
        progress_bar=False,
    )
    assert made[1].stat().st_mtime_ns > before
    for path in made:
        assert path.read_bytes() == (desk / "tables" / path.name).read_bytes(), path.name


@pytest.mark.parametrize("where, names", [(".", NOTEBOOKS[:3]), ("notebooks", NOTEBOOKS[:1])])
def test_papermill_needs_a_region_and_no_more(folder, reports, tmp_path, monkeypatch, where, names):
    """From either folder, one notebook after the other; the draft is that of the region."""
    monkeypatch.setenv("CVM_DRAFTS", str(tmp_path / "drafts"))
    (folder / "notebooks").mkdir(exist_ok=True)
    for name in names:
        papermill.execute_notebook(
            ROOT / "notebooks" / f"{name}.ipynb",
            tmp_path / f"{name}.ipynb",
            parameters={"region": "northeast"},
            cwd=folder / where,
            progress_bar=False,
        )
    day = prepared.resolve_day(settings_module.load(folder / "config" / "sample.yaml"))
    draft = tmp_path / "drafts" / "sample" / "northeast" / day.isoformat()
    people = pd.read_parquet(draft / "tables" / "customers.parquet")
    assert set(people["region"]) == {"northeast"}
    signed = {notebooks.signature(name, "en") for name in names}
    assert {path.name for path in (draft / "done").iterdir()} == signed


@pytest.fixture(scope="module")
def again(folder, reports):
    """What was published before, what the second run said, and what is published after it."""
    before = {region: contents(published(reports, region)) for region in REGIONS}
    said = run(folder)
    return before, said, {region: contents(published(reports, region)) for region in REGIONS}


def test_a_second_run_changes_nothing(again):
    before, said, after = again
    assert said.code == 0 and before == after
    for region in REGIONS:
        assert f"{region}: unchanged" in said.err
    assert "order lines accepted, unchanged" in said.out


def test_by_force_one_after_the_other_it_makes_the_same_tables_and_report(folder, reports, again):
    before = again[0]["east"]
    target = published(reports, "east").readlink()
    said = run(folder, "--force", "--prepared", "--jobs", "1", regions=("east",))
    assert said.code == 0 and "east: published" in said.err
    assert published(reports, "east").readlink() != target
    after = contents(published(reports, "east"))
    same = [name for name in before if name.startswith(("desk/tables/", "share/"))]
    same = [name for name in same if not name.endswith(".pdf")]  # how Chromium packs one may differ
    assert len(same) >= 7 and before.keys() == after.keys()
    for name in [*same, "desk/reference.json", "desk/company.json"]:
        assert after[name] == before[name], name


# What is published


def manifest(reports, region):
    return json.loads((published(reports, region) / "run.json").read_text("utf-8"))


def report_of(reports, region):
    return (published(reports, region) / "share" / NAME.format(region)).read_text("utf-8")


@pytest.mark.parametrize("region", REGIONS)
def test_the_manifest_lists_every_file_as_it_is(reports, region):
    made, found = manifest(reports, region), contents(published(reports, region))
    found.pop("run.json")
    assert made["outputs"] == found
    assert (made["region"], made["as_of"], made["languages"]) == (region, DAY, ["en"])
    assert [each["status"] for each in made["notebooks"]] == ["good"] * len(NOTEBOOKS)
    for name, n in made["rows"].items():
        assert n == len(table(reports, region, name))


def test_the_manifest_lists_every_raw_file_as_it_is(reports, folder):
    raw = folder / "data" / "sample" / "raw"
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in raw.iterdir()}
    made = manifest(reports, "all")["inputs"]
    assert {Path(name).name: sha for name, sha in made.items()} == found


@pytest.mark.parametrize("region", REGIONS)
def test_no_path_of_this_machine_is_published(reports, folder, region):
    for path in published(reports, region).rglob("*"):
        if path.suffix in (".html", ".json", ".ipynb"):
            text = path.read_text("utf-8")
            assert str(folder) not in text and str(ROOT) not in text, path.name


@pytest.mark.parametrize("region", REGIONS)
def test_others_can_read_share_and_not_desk(reports, region):
    assert (published(reports, region) / "desk").stat().st_mode & 0o777 == 0o700
    assert not (published(reports, region) / "share").stat().st_mode & 0o022


@pytest.mark.parametrize("region", ["all", "east"])
def test_every_printed_figure_is_one_of_the_tables(reports, settings, region):
    say = words("en", settings.words, settings.value.horizon_weeks)
    desk = published(reports, region) / "desk"
    sources = printed_figures.Sources(desk, settings, say)
    codes, people = sources.name_groups(), set(sources.segment.index)
    printed = printed_figures.read(report_of(reports, region), codes, people)
    assert len(printed) > 300
    assert sources.find_unexplained(printed) == []
    wrong = printed_figures.Sources(desk, settings, say, money_times=1.037)
    money = [figure for figure in printed if figure.kind == "money"]
    assert len(wrong.find_unexplained(money)) > 0.8 * len(money), "a wrong table is found out"


class Page(HTMLParser):
    """What a browser would find in a page."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data):
        if self.tags[-1:] != ["style"]:
            self.text += data

    def values(self, *names):
        return [value for name, value in self.attributes if name in names]


@pytest.mark.parametrize("region", REGIONS)
def test_a_report_is_small_runs_nothing_and_loads_nothing(reports, region):
    html = report_of(reports, region)
    page = Page(html)
    assert len(html.encode()) < 400_000
    assert not {"script", "iframe", "object", "embed", "base", "form"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    inside = ("#", "data:image/svg+xml;base64,", "data:image/png;base64,")
    others = [v for v in page.values("src", "href", "srcset", "xlink:href") if v[:5] != "data:"]
    leading = [value for value in others if not value.startswith(inside)]
    share = published(reports, region) / "share"
    assert leading and all((share / value).resolve().is_file() for value in leading)
    assert all(reports.resolve() in (share / value).resolve().parents for value in leading)
    assert any(value.startswith("default-src 'none'") for value in page.values("content"))
    assert page.tags.count("img") >= 1 and "table" in page.tags
    assert all(alt.strip() for alt in page.values("alt"))
    assert "nan" not in page.text.lower().split() and "{" not in page.text


@pytest.mark.parametrize("region", REGIONS)
def test_a_report_holds_no_code_and_names_a_few_customers_at_most(reports, region):
    text = Page(report_of(reports, region)).text
    named = set(table(reports, region, "customers")["customer_id"]) & set(text.split())
    assert len(named) <= 40  # four lists of ten
    assert "import " not in text and "writer." not in text


@pytest.mark.parametrize("page", ["index.html", f"all/{DAY}/share/{NAME.format('all')}"])
def test_a_browser_opens_it_without_an_error(reports, tmp_path, page):
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        assert os.environ.get("CI") != "true", "no chromium, but CI=true asks for it"
        pytest.skip("no chromium")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"]
    flags += ["--disable-background-networking", "--disable-component-update", "--dump-dom"]
    flags += ["--enable-logging=stderr", f"--user-data-dir={tmp_path / 'profile'}"]
    command = [chromium, *flags, (reports / page).as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "CONSOLE" not in done.stderr, done.stderr
    shown = Page(done.stdout)
    assert "script" not in shown.tags and "All regions" in shown.text


# A business with contracts alone

ALONE = """
business: Subscriptions
currency: EUR
pseudonyms: off
extracted_on: 2025-06-30
regions: {main: {en: Main, zh: 主区域}}
sources:
  contracts:
    - files: contracts.csv
      region: main
      columns: {customer_id: id, started_on: start, ended_on: end, term_months: term,
                monthly_value: fee, plan: plan}
"""


def test_contracts_alone_get_a_report_of_their_own(tmp_path):
    """Each month one in ten lets a monthly contract go; half of the plans are twice as loyal."""
    rng = np.random.default_rng(5)
    plan = np.arange(400) % 2
    start = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 880, 400), unit="D")
    months = rng.geometric(np.where(plan, 0.05, 0.1))
    end = pd.Series([s + pd.DateOffset(months=int(m)) for s, m in zip(start, months, strict=True)])
    rows = pd.DataFrame({"id": [f"k{i}" for i in range(400)], "start": start})
    rows = rows.assign(end=end.where(end <= "2025-06-30"), term=1, fee=10, plan=plan)
    rows.to_csv(tmp_path / "contracts.csv", index=False)
    shutil.copytree(ROOT / "config", tmp_path / "config")
    text = ALONE.replace("contracts.csv", "../contracts.csv")
    (tmp_path / "config" / "alone.yaml").write_text(text, "utf-8")
    notebooks_folder = ("--notebooks", str(ROOT / "notebooks"))
    done = cvm(tmp_path, "run", "config/alone.yaml", *notebooks_folder, "--region", "main")
    assert done.code == 0, done.err
    (report,) = (tmp_path / "reports" / "main").glob("2025-*/share/Subscriptions-main-*.en.html")
    page = Page(report.read_text("utf-8"))
    for part in ("Contract end forecast", "Renewals", "Retention, renewal", "Forecast accuracy"):
        assert part in page.text
    tables = {p.stem for p in (report.parents[1] / "desk" / "tables").iterdir()}
    assert tables == {*notebooks.describe()["10_contracts"].writes, *HANDED_IN}
