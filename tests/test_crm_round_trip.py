"""To the CRM, worked there, and back: ledger, plan and the next export know what was done.

For both systems: what was exported is edited as a desk would (owners changed, ten tasks done, two
rows deleted, one customer merged into another), given back in the system's own layout, and read by
the next run.
"""

import datetime as dt
from types import SimpleNamespace

import pandas as pd
import pytest
import yaml
from crm_business import DAY, IDS, KEY, NORTH, RAW, actions, business, publish_tables, tables

from cvm_analysis.crm import export as exports
from cvm_analysis.crm import systems
from cvm_analysis.crm.export import Options
from cvm_analysis.draft import profiles
from cvm_analysis.errors import InputError
from cvm_analysis.intake.prepare import prepare
from cvm_analysis.settings import load
from cvm_analysis.strategy import ledger, plan
from cvm_analysis.tables import TABLES

N_DONE = 10
MERGED, INTO = 2, 3  # customers, by number: the one that stays is the later record
ZOHO = SimpleNamespace(
    key="zoho", done="Completed", status="Status", owner="Task Owner", closed="Closed Time",
    result="CVM Result", account={"Account Name": "Ann", "Account Owner": "Eve"},
    time="%m/%d/%Y %H:%M", file="tasks.csv",
)  # fmt: skip
FXIAOKE = SimpleNamespace(
    key="fxiaoke", done="已完成", status="状态", owner="负责人", closed="完成时间",
    result="CVM执行结果", account={"客户名称": "安", "负责人": "小王"},
    time="%Y-%m-%d %H:%M", file="tasks.xlsx",
)  # fmt: skip


@pytest.fixture(params=[ZOHO, FXIAOKE], ids=["zoho", "fxiaoke"])
def crm(request):
    return request.param


@pytest.fixture
def raw(crm):
    """Whether the CRM has the ids of the raw files; the other one has pseudonyms."""
    return crm is FXIAOKE


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("CVM_KEY", KEY)
    people = "customer_id,joined_on\n" + "".join(f"{each},2025-01-01\n" for each in RAW)
    return business(tmp_path, people=people)


def export(settings, crm, raw, **more):
    out = settings.path.parent / "reports"
    return exports.export(settings, systems.load(crm.key), out, Options(reidentify=raw, **more))


def read(folder, stem):
    path = next(path for path in folder.iterdir() if path.stem == stem)
    if path.suffix == ".xlsx":
        return pd.read_excel(path, dtype=str, keep_default_na=False, engine="calamine")
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def header(crm, kind, field):
    return systems.load(crm.key).modules[kind].fields[field]


def work(folder, crm):
    """The tasks as the CRM exports them: ten done by somebody else, two deleted, one left open."""
    tasks = read(folder, systems.load(crm.key).modules["tasks"].file)
    tasks = tasks.drop(columns=crm.owner, errors="ignore").iloc[:-2].copy()
    done = tasks.index[:N_DONE]
    tasks[[crm.status, crm.owner, crm.closed, crm.result]] = "", "Eve", "", ""
    tasks.loc[done, crm.status] = crm.done
    tasks.loc[done, crm.closed] = pd.Timestamp("2026-01-05 09:30").strftime(crm.time)
    tasks.loc[done, crm.result] = "reached"
    return tasks


def write_back(settings, crm, tasks):
    """Name the CRM's file in the config, as `cvm init` maps it."""
    path = settings.path.parent / crm.file
    tasks.to_excel(path, index=False) if path.suffix == ".xlsx" else tasks.to_csv(path, index=False)
    profile = profiles.recognise(list(tasks))
    assert profile.table == "contact_log"
    source = {"files": crm.file, **profile.to_source(list(tasks))}
    if crm is ZOHO:
        source["formats"] = {"at": crm.time, "listed_on": "%m/%d/%Y"}
    change(settings, lambda content: content["sources"].update(contact_log=[source]))


def change(settings, edit):
    content = yaml.safe_load(settings.path.read_text("utf-8"))
    content["extracted_on"] = "2026-02-28"
    content["pseudonyms"] = "on"
    edit(content)
    settings.path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")


def contacts(settings):
    settings = load(settings.path)
    prepare(settings)
    assert pd.read_parquet(settings.prepared / "quarantine.parquet").empty
    return pd.read_parquet(settings.prepared / "contact_log")


def lists():
    """What the reports of the day left in the ledger."""
    key = list(TABLES["actions"].key)
    rows = [
        ledger.to_rows(actions(ids).set_index(key), region, dt.date.fromisoformat(DAY), 0.1)
        for region, ids in (("n", NORTH), ("s", [each for each in IDS if each not in NORTH]))
    ]
    return pd.concat(rows)


def test_what_was_done_in_the_crm_is_in_the_ledger_and_the_plan(settings, crm, raw):
    made = export(settings, crm, raw)
    tasks = work(made.folder, crm)
    write_back(settings, crm, tasks)
    found = contacts(settings)
    assert len(found) == N_DONE and set(found["customer_id"]) <= set(IDS)
    assert set(found["owner"]) == {"Eve"} and set(found["result"]) == {"reached"}
    assert set(found["listed_on"].astype(str)) == {DAY}
    action = header(crm, "tasks", "action_code")
    expected = tasks[tasks[crm.status] == crm.done].groupby(action).size()

    outcomes = pd.DataFrame({"customer_id": IDS[:1], "day": pd.Timestamp("2026-01-10"),
                             "amount": 5.0, "purchases": 1})  # fmt: skip
    results = ledger.evaluate(lists(), found, outcomes, dt.date(2026, 2, 28))
    done = results["n_done"].groupby("action").sum()
    assert done[done > 0].to_dict() == expected.to_dict()

    line = plan.Line("call_overdue", "stores", 100, dt.date(2026, 3, 31), plan.Target(contacts=20))
    ours = plan.ActionPlan(dt.date(2026, 1, 1), (line,))
    about = (found.assign(region="n"), {"call_overdue": 2.0}, lists().reset_index(), outcomes)
    reached = plan.progress(ours, "all", *about, dt.date(2026, 2, 28)).iloc[0]
    assert reached["contacts"] == expected["call_overdue"]
    assert reached["spent"] == 2.0 * expected["call_overdue"]


def test_a_hostile_file_of_tasks_adds_no_row_that_is_none(settings, crm, raw):
    """Formulas, another encoding, repeated rows, unknown customers and actions."""
    made = export(settings, crm, raw)
    tasks = work(made.folder, crm)
    done = tasks[tasks[crm.status] == crm.done]
    id_, action = header(crm, "tasks", "customer_id"), header(crm, "tasks", "action_code")
    tasks.loc[done.index[0], crm.result] = '=HYPERLINK("x")'
    tasks.loc[done.index[1], crm.owner] = "门店店长"
    odd = [done.iloc[[2]], done.iloc[[3]].assign(**{id_: "stranger"}),
           done.iloc[[4]].assign(**{action: "=1+1"}),
           done.iloc[[5]].assign(**{crm.closed: "soon"})]  # fmt: skip
    write_back(settings, crm, pd.concat([tasks, *odd]))
    path = settings.path.parent / crm.file
    if path.suffix == ".csv":
        path.write_bytes(path.read_text("utf-8").encode("gb18030"))
    changed = load(settings.path)
    prepare(changed)
    found = pd.read_parquet(changed.prepared / "contact_log")
    assert len(found) == N_DONE and "门店店长" in set(found["owner"])
    rules = pd.read_parquet(changed.prepared / "quarantine.parquet")["rule"]
    assert sorted(rules) == ["no_date", "no_region", "repeated_contact", "unknown_action"]


def test_a_file_of_another_system_stops_before_anything_is_written(settings, crm, raw):
    made = export(settings, crm, raw)
    write_back(settings, crm, work(made.folder, crm))
    prepare(load(settings.path))
    path = settings.path.parent / crm.file
    other = pd.DataFrame({"Case Number": ["1"], "Subject": ["x"]})
    other.to_excel(path, index=False) if path.suffix == ".xlsx" else other.to_csv(path, index=False)
    with pytest.raises(InputError) as error:
        prepare(load(settings.path))
    assert crm.file in str(error.value) and id_of(crm) in str(error.value)
    assert len(pd.read_parquet(load(settings.path).prepared / "contact_log")) == N_DONE


def id_of(crm):
    return header(crm, "tasks", "customer_id")


def test_the_next_export_keeps_edits_reports_merges_and_holds_only_changes(settings, crm, raw):
    made = export(settings, crm, raw)
    accounts = read(made.folder, systems.load(crm.key).modules["customers"].file)
    id_, grade = header(crm, "customers", "customer_id"), header(crm, "customers", "grade")
    owner = header(crm, "customers", "next_owner")
    shown = RAW if raw else IDS
    row = accounts.set_index(id_).index
    accounts = accounts.assign(**crm.account)
    accounts.loc[row == shown[0], grade] = "A+"
    accounts.loc[row == shown[1], owner] = "Eve"
    best, other = accounts[grade][row == shown[5]].item(), "B" if crm is ZOHO else "B级"
    accounts = accounts[row != shown[MERGED]]  # merged in the CRM
    accounts.to_csv(settings.path.parent / "accounts.csv", index=False)
    given = {"accounts": settings.path.parent / "accounts.csv"}

    second = export(settings, crm, raw, **given)
    assert not second.files
    conflicts = read(second.folder, "conflicts")
    assert sorted(conflicts.to_numpy().tolist()) == sorted([
        [shown[0], grade, best, "A+"],
        [shown[1], owner, conflicts.set_index("field").loc[owner, "ours"], "Eve"],
        [shown[MERGED], id_, "", ""],
    ])  # fmt: skip

    later = tables(NORTH)
    at = later["segments"]["customer_id"].isin([IDS[0], IDS[5]])
    later["segments"].loc[at, "grade"] = "B"
    publish_tables(settings.path.parent / "reports", "n", later)
    third = export(settings, crm, raw, **given)
    name = systems.load(crm.key).modules["customers"].file
    assert [n for _, n in third.files] == [1]
    assert read(third.folder, name)[id_].tolist() == [shown[5]]
    assert [other, "A+"] in read(third.folder, "conflicts")[["ours", "theirs"]].to_numpy().tolist()

    forced = export(settings, crm, raw, overwrite=True)
    rows = read(forced.folder, name).set_index(id_)
    assert set(rows.index) == {shown[0], shown[1]} and rows.loc[shown[0], grade] == other
    assert not export(settings, crm, raw).files


def test_customers_merged_in_the_crm_are_merged_by_a_rule_of_identity(settings, crm, raw):
    """A list of merges, old and new id with the new one itself, joined to the customers."""
    merges = f"old,new\n{RAW[MERGED]},{RAW[INTO]}\n{RAW[INTO]},{RAW[INTO]}\n"
    (settings.path.parent / "merges.csv").write_text(merges)

    def merge(content):
        (people,) = content["sources"]["customers"]
        people["join"] = [{"files": "merges.csv", "on": {"customer_id": "old"}}]
        people["identifiers"] = {"merged_into": "new"}
        content["identity"] = [["merged_into"]]

    made = export(settings, crm, raw)
    write_back(settings, crm, work(made.folder, crm))
    change(settings, merge)
    changed = load(settings.path)
    prepare(changed)
    found = pd.read_parquet(changed.prepared / "merges.parquet")
    old, new = IDS[MERGED], IDS[INTO]
    assert found.to_numpy().tolist() == [[old, new]]
    done = pd.read_parquet(changed.prepared / "contact_log")
    assert old not in set(done["customer_id"]) and new in set(done["customer_id"])

    left = tables([each for each in NORTH if each != old])
    publish_tables(settings.path.parent / "reports", "n", left)
    gone = export(settings, crm, raw)
    name = systems.load(crm.key).modules["customers"].file
    removed = read(gone.folder, f"{name}.removed").iloc[:, 0].tolist()
    assert removed == [RAW[MERGED] if raw else old]
