"""However a run ends, whom the config names are told, and the exit code is the run's own."""

import json
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
from receivers import HookServer, serving
from small_business import NAMED, small
from test_run_fan_out import Kernel
from test_settings import STRATEGIES
from tiny_notebooks import wait_for, write_notebook

from cvm_analysis import cli, notebooks
from cvm_analysis.cli import ending
from cvm_analysis.personal import known
from cvm_analysis.report import page
from cvm_analysis.run import region

NOTEBOOKS = ("01_customers", "09_strategy")
CUSTOMER = "C7K3QMZ2ABCDE"
SALES = "customer_id,ordered_at,amount,sold_in\n" + "".join(
    f"c{i},2025-{1 + i % 12:02}-{1 + i % 28:02},10,{'Nord' if i % 2 else 'Sud'}\n"
    for i in range(60)
)
KEY = known.derive(b"a key for tests, no secret")
TAKE = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text(sys.stdin.read())"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A prepared business of two regions; a command writes what it is told to told.json."""
    folder = tmp_path_factory.mktemp("made")
    small(folder, NAMED, {"sales.csv": SALES})
    (folder / "strategies.yaml").write_text(STRATEGIES.replace("best", "champions"))
    for name in NOTEBOOKS:
        write_notebook(folder / "notebooks", name, "1 + 1")
    name_channels(folder, {"command": [sys.executable, "-c", TAKE, "told.json"]})
    return folder


def name_channels(folder, *channels, portal=None):
    """Name those who are told of a failure and of success."""
    kept = [
        line for line in (folder / "small.yaml").read_text().splitlines() if "notify:" not in line
    ]
    notify = {"on_failure": channels, "on_success": channels} | (portal or {})
    kept.append(f"notify: {json.dumps(notify)}")
    (folder / "small.yaml").write_text("\n".join(kept) + "\n")


@pytest.fixture
def kernel(monkeypatch):
    kernel = Kernel()
    monkeypatch.setattr(region, "execute", kernel)
    monkeypatch.setattr(notebooks, "select", lambda table: NOTEBOOKS)
    monkeypatch.setattr(page, "render", lambda path, title, language, links=(): title)
    return kernel


@pytest.fixture
def run(folder, monkeypatch, capsys):
    def call(*more):
        words = ["cvm", "run", "small.yaml", "--notebooks", "notebooks", *more]
        monkeypatch.setattr(sys, "argv", words)
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            cli.main()
        return left.value.code, *capsys.readouterr()

    return call


def told(folder):
    path = folder / "told.json"
    found = json.loads(path.read_text("utf-8"))
    path.unlink()
    return found


def test_a_success_is_told_with_alerts_that_name_no_customer(folder, kernel, run):
    name_channels(
        folder,
        {"command": [sys.executable, "-c", TAKE, "told.json"]},
        portal={"portal": "https://reports.example.com/"},
    )
    account = {"text": {"en": f"Key account {CUSTOMER} is overdue."}}
    account["clause"] = {"en": "a key account is overdue"}
    late = {"text": {"en": "Late."}, "clause": {"en": "late"}}
    kernel.alerts = {"n": [account, late]}
    code, out, _ = run()
    assert code == 0 and f"North: Key account {CUSTOMER} is overdue. (1 more)" in out
    found = told(folder)
    assert (found["outcome"], found["exit_code"]) == ("published", 0)
    assert sorted(found["published"]) == ["all", "n", "s"]
    assert found["alerts"] == [
        {"region": "n", "name": "North", "text": "a key account is overdue", "more": 1}
    ]
    assert CUSTOMER not in json.dumps(found)
    assert found["portal"] == str(folder / "reports" / "index.html")
    assert found["portal_url"] == "https://reports.example.com/" and "example" in found["text"]
    assert run()[0] == 0
    found = told(folder)
    assert found["outcome"] == "unchanged" and len(found["unchanged"]) == 3


def test_a_region_that_fails_is_told_with_its_place_and_no_value(folder, kernel, run):
    kernel.fails, kernel.message = {"n"}, f"KeyError: '{CUSTOMER}'"
    code, _, err = run()
    assert code == 1 and f"n: failed: 01_customers.ipynb, cell [3]: KeyError: '{CUSTOMER}'" in err
    found = told(folder)
    assert CUSTOMER not in json.dumps(found)
    assert (found["outcome"], found["exit_code"], found["message"]) == ("failed", 1, "")
    (failed,) = found["failed"]
    assert (failed["region"], failed["notebook"], failed["cell"]) == ("n", "01_customers", 3)
    assert found["subject"] == "Small: 1 of 3 reports failed"


def test_an_error_of_the_config_is_told_though_it_cannot_be_used(folder, kernel, run):
    text = (folder / "small.yaml").read_text()
    (folder / "small.yaml").write_text(text + "horizon_week: 3\n")
    code, out, err = run()
    assert (code, out) == (2, "") and "unknown setting 'horizon_week'" in err
    found = told(folder)
    assert (found["outcome"], found["exit_code"], found["business"]) == ("error", 2, "Small")
    assert found["message"].startswith("small.yaml line ")
    assert found["portal"] == "" and "Portal" not in found["text"], "there is none"


def test_a_wrong_option_is_told_as_well(folder, kernel, run):
    assert run("--region", "weast")[0] == 2
    assert told(folder)["message"] == "no region …"


def test_a_gate_is_told_without_what_the_rows_say(folder, kernel, run):
    text = (folder / "small.yaml").read_text()
    (folder / "small.yaml").write_text(text.replace("{default: 1}", "{default: 0.001}"))
    with (folder / "sales.csv").open("a") as file:
        file.write("c1,2025-01-01,Ann Smith,Nord\n")
    code, _, err = run()
    assert code == 3 and "no_amount: 1 rows" in err
    found = told(folder)
    assert (found["outcome"], found["exit_code"]) == ("stopped_by_gate", 3)
    assert "no_amount: 1 rows of transactions are 1.6%" in found[
        "message"
    ] and "Ann" not in json.dumps(found)


def test_a_fault_of_the_program_is_told_by_its_type(folder, kernel, run, monkeypatch):
    def broken(plan, progress):
        raise KeyError(CUSTOMER)

    monkeypatch.setattr("cvm_analysis.run.fan_out.run", broken)
    code, _, err = run()
    assert code == 2 and "Traceback" in err
    found = told(folder)
    assert found["message"] == "KeyError" and CUSTOMER not in json.dumps(found)


def test_a_fault_in_telling_hides_no_exit_code(folder, kernel, run, monkeypatch):
    def broken(*_):
        raise KeyError("a fault")

    monkeypatch.setattr(ending, "_describe", broken)
    code, out, err = run("--region", "n")
    assert code == 0 and "reports/index.html" in out and "nobody was told, KeyError" in err
    code, out, err = run("--region", "weast")
    assert code == 2 and "no region 'weast'" in err and "Traceback" not in err


def test_an_error_is_said_before_anybody_is_told(folder, kernel, run):
    """Somebody at a terminal sees it at once, though a channel hangs."""
    name_channels(folder, {"command": ["no-such-command"]})
    code, _, err = run("--region", "weast")
    first, second = err.splitlines()
    assert code == 2 and "no region 'weast'" in first and "no-such-command" in second


@pytest.mark.parametrize("fails", [set(), {"n"}], ids=["good", "failed"])
def test_what_cannot_be_sent_is_said_once_and_changes_no_exit_code(folder, kernel, run, fails):
    kernel.fails = fails
    with serving(HookServer(500)) as server:
        name_channels(
            folder,
            {"webhook": {"url": server.url}},
            {"command": ["no-such-command"]},
        )
        code, out, err = run("--region", "n")
    assert code == len(fails) and "reports/index.html" in out
    said = [line for line in err.splitlines() if line.startswith("cvm: ")]
    assert len(said) == 2 and len(server.taken) == 1
    name = "on_failure" if fails else "on_success"
    number = (folder / "small.yaml").read_text().splitlines().index
    line = (
        number(next(x for x in (folder / "small.yaml").read_text().splitlines() if name in x)) + 1
    )
    assert sorted(said) == [
        f"cvm: small.yaml line {line}: command no-such-command: No such file or directory; "
        "correct it, then test it by `cvm notify small.yaml`",
        f"cvm: small.yaml line {line}: webhook 127.0.0.1: answered 500 Internal Server Error; "
        "correct it, then test it by `cvm notify small.yaml`",
    ]


def test_whom_it_tells_makes_no_report_stale(folder, kernel, run):
    asked = ("--region", "n")
    assert run(*asked)[0] == 0
    name_channels(folder, {"command": ["true"]})
    text = (folder / "small.yaml").read_text()
    (folder / "small.yaml").write_text("# a comment\n" + text)
    kernel.ran.clear()
    assert run(*asked)[0] == 0 and kernel.ran == []
    (folder / "small.yaml").write_text(text + "compare_days: 7\n")
    assert run(*asked)[0] == 0 and len(kernel.ran) == 2


def test_a_test_is_sent_to_all(folder, run, monkeypatch, capsys):
    with serving(HookServer()) as server:
        channels = {"on_failure": [{"webhook": {"url": server.url}}]}
        channels["on_success"] = [{"command": [sys.executable, "-c", "import sys; sys.exit(4)"]}]
        name_channels(folder, portal=channels)
        monkeypatch.setattr(sys, "argv", ["cvm", "notify", "small.yaml"])
        with pytest.raises(SystemExit) as left:
            cli.main()
    out, err = capsys.readouterr()
    assert left.value.code == 1 and out.endswith("webhook 127.0.0.1: sent\n")
    assert server.taken[0][2]["outcome"] == "test" and "exit code 4" in err


def test_check_names_a_variable_that_is_not_set(folder, kernel, monkeypatch, capsys):
    monkeypatch.delenv("HOOK", raising=False)
    name_channels(folder, {"webhook": {"url_variable": "HOOK"}})
    monkeypatch.setattr(sys, "argv", ["cvm", "check", "small.yaml", "--notebooks", "notebooks"])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 2
    assert (
        "webhook.url_variable: the environment variable HOOK is not set" in capsys.readouterr().err
    )


def test_a_message_with_a_personal_value_is_not_told(tmp_path):
    """What no report may show, as far as the key tells."""
    known.save(tmp_path, ["Anna Schmidt"], KEY)
    plan = SimpleNamespace(personal=known.load(tmp_path, KEY))
    said = "two rows of Anna Schmidt on one day"
    assert ending._redact(ending.Course(tmp_path), said) == said, "nobody knows her"
    assert ending._redact(ending.Course(tmp_path, plan), said) == "…"
    assert ending._redact(ending.Course(tmp_path, plan), "two rows on one day") != "…"


# The log in JSON


def test_a_json_log_has_nothing_but_objects(folder, kernel, run):
    kernel.fails, kernel.alerts = {"n"}, {"s": [{"text": {"en": "Late."}}]}
    name_channels(folder, {"command": ["no-such-command"]})
    code, out, err = run("--log", "json")
    assert (code, out) == (1, "")
    found = [json.loads(line) for line in err.splitlines()]
    kinds = [each["event"] for each in found]
    assert kinds[0] == "note" and kinds[-3:] == ["alert", "portal", "warning"]
    failed = [each for each in found if each["event"] == "failed"]
    assert [(each["region"], each["level"]) for each in failed] == [("n", "error")]
    assert {each["region"] for each in found if each["event"] == "published"} == {"all", "s"}
    done = [each["notebook"] for each in found if each["event"] == "executed"]
    assert sorted(done) == ["01_customers"] * 2 + ["09_strategy"] * 2, "of `all` and s"


def test_what_ends_a_run_is_an_object_too(folder, kernel, run):
    code, out, err = run("--log", "json", "--region", "weast")
    assert (code, out) == (2, "")
    (said,) = [json.loads(line) for line in err.splitlines() if '"stopped"' in line]
    assert said["level"] == "error" and said["message"].startswith("no region 'weast'")


# Signals

PROGRAM = """
import sys
from cvm_analysis import cli, notebooks
notebooks.select = lambda table: ("09_strategy",)
sys.argv = ["cvm", "run", "small.yaml", "--notebooks", "notebooks", *sys.argv[1:]]
cli.main()
"""


def test_a_run_that_is_ended_says_so_within_seconds(folder):
    hang = "import pathlib, time\npathlib.Path('BEGUN').write_text('1')\ntime.sleep(60)"
    begun = folder / "begun"
    write_notebook(folder / "notebooks", "09_strategy", hang.replace("BEGUN", str(begun)))
    with serving(HookServer()) as server:
        name_channels(
            folder,
            {"webhook": {"url": server.url}},
            {"command": [sys.executable, "-c", "import time; time.sleep(60)"]},
        )
        command = [sys.executable, "-c", PROGRAM, "--region", "n"]
        child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        wait_for(begun)
        started = time.monotonic()
        os.kill(child.pid, signal.SIGTERM)
        err = child.communicate(timeout=30)[1]
        assert time.monotonic() - started < 15
    assert child.returncode == 128 + signal.SIGTERM
    ((_, _, found),) = server.taken
    assert (found["outcome"], found["exit_code"], found["published"]) == ("ended", 143, [])
    assert err.count("not done within 5 seconds") == 1
