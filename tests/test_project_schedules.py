"""Each schedule does what its scheduler would make of it, in a folder with an awkward name."""

import re
import runpy
import shlex
import shutil
import subprocess
import sys
from unittest.mock import MagicMock

import pytest
from own_project import start_beside

from cvm_analysis.project import schedules

NAME = '5 % of $ales "now"'
SAY = """#!/bin/sh
[ "$1" = regions ] && printf 'north\\nsouth\\n' && exit
echo "$CVM_KEY|$PWD|$*"
[ ! -f code ] || exit "$(cat code)"
"""
MAIL = '#!/bin/sh\nprintf "%s|" "$@"; cat\n'
RUN = "run config/mine.yaml --out reports"


@pytest.fixture
def mine(tmp_path):
    """A company's folder, whose `cvm` says with which key, where and how it was called."""
    home = tmp_path / "pro $gra%ms"
    home.mkdir()
    start_beside(home / NAME, cvm=SAY, mail=MAIL)
    return home / NAME


def said(mine, arguments):
    return f"{(mine / 'key').read_text().strip()}|{mine}|{arguments}"


def bare(mine, command, cwd, **environment):
    """Run a command with next to nothing in its environment, as schedulers do."""
    home = str(mine.parent)
    environment = {"HOME": home, "PATH": f"{home}:/usr/bin:/bin", **environment}
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def crontab(mine):
    """The command of its one line; cron makes what follows a percent sign its input."""
    rows = (mine / "schedules" / "schedule.cron").read_text("utf-8").splitlines()
    (row,) = (row for row in rows if row[0] != "#")
    time, command = re.fullmatch(r"((?:\S+ ){5}) (.*)", row).groups()
    assert time == "0 6 * * 1 " and not re.search(r"(?<!\\)%", command)
    return command.replace(r"\%", "%")


def cron(mine):
    return bare(mine, ["/bin/sh", "-c", crontab(mine)], mine.parent)


def test_a_good_run_by_cron_is_appended_to_the_log_and_mails_nothing(mine):
    for _ in range(2):
        done = cron(mine)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (mine / "run.log").read_text().splitlines() == [said(mine, RUN)] * 2


@pytest.mark.parametrize("code", [1, 2, 3, 143])
def test_of_a_failed_run_cron_mails_one_line_that_is_in_the_log_too(mine, code):
    (mine / "code").write_text(str(code))
    done = cron(mine)
    assert done.returncode == code and done.stderr == ""
    (mailed,) = done.stdout.splitlines()
    assert mailed.endswith(f": the run of {mine} ended with exit code {code}; see run.log")
    assert (mine / "run.log").read_text().splitlines() == [said(mine, RUN), mailed]


def test_of_a_folder_that_is_gone_cron_mails_too_and_nothing_is_written(mine):
    command, home = crontab(mine), mine.parent
    mine.rename(home / "elsewhere")
    before = sorted(home.rglob("*"))
    done = bare(mine, ["/bin/sh", "-c", command], home)
    assert done.returncode != 0 and str(mine) in done.stderr
    assert sorted(home.rglob("*")) == before


def unescaped(text, sign):
    """Text without systemd's escapes; a sign that stood alone would mean something else."""
    assert sign not in text.replace(2 * sign, "")
    return text.replace(2 * sign, sign)


def unit(mine, end=".service"):
    """The settings of a unit, as systemd reads them."""
    name = schedules.unit_name(mine)
    text = (mine / "schedules" / "systemd" / f"{name}{end}").read_text("utf-8")
    pairs = re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE)
    return {key: unescaped(value, "%") for key, value in pairs}


def started(mine, end=".service", **environment):
    """Run its command as systemd does."""
    command = unescaped(unit(mine, end)["ExecStart"], "$")
    cwd = unit(mine, end).get("WorkingDirectory", mine.parent)
    return bare(mine, shlex.split(command), cwd, **environment)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd")
def test_systemd_accepts_the_units(mine):
    units = [str(path) for path in (mine / "schedules" / "systemd").iterdir()]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    ours = [row for row in (done.stdout + done.stderr).splitlines() if "cvm-5-of-ales" in row]
    assert len(units) == 3 and ours == [] and done.returncode == 0


def test_the_service_runs_in_its_folder_with_the_key_that_systemd_hands_it(mine):
    assert unit(mine)["LoadCredential"] == f"key:{mine}/key"
    assert shlex.split(unit(mine)["ReadWritePaths"]) == [str(mine)]
    credentials = mine.parent / "credentials"
    credentials.mkdir()
    shutil.copy(mine / "key", credentials)
    done = started(mine, CREDENTIALS_DIRECTORY=str(credentials))
    assert (done.returncode, done.stdout) == (0, said(mine, RUN) + "\n"), done.stderr
    (mine / "code").write_text("3")
    assert started(mine, CREDENTIALS_DIRECTORY=str(credentials)).returncode == 3


def test_a_failed_service_starts_the_one_that_mails(mine):
    assert unit(mine)["OnFailure"] == "cvm-5-of-ales-now-failed.service"
    done = started(mine, "-failed.service", MAILTO="desk")
    assert done.stdout.startswith("-s|cvm: the run of cvm-5-of-ales-now failed|desk|")


def test_units_of_two_folders_have_two_names(tmp_path):
    assert schedules.unit_name(tmp_path / "My Shop") == "cvm-my-shop"
    names = {schedules.unit_name(tmp_path / name) for name in ("公司", "客户", "shop")}
    assert len(names) == 3 and all(re.fullmatch("[a-z0-9-]+", name) for name in names)


@pytest.fixture
def dag(mine, monkeypatch):
    """The tasks of the DAG by name, without Airflow; `make airflow` runs it for real."""
    bash = MagicMock()
    for name in ("airflow", "airflow.providers", "airflow.providers.standard"):
        monkeypatch.setitem(sys.modules, name, MagicMock())
    monkeypatch.setitem(sys.modules, "airflow.providers.standard.operators", MagicMock())
    monkeypatch.setitem(sys.modules, "airflow.providers.standard.operators.bash", bash)
    monkeypatch.setitem(sys.modules, "airflow.sdk", MagicMock())
    made = runpy.run_path(str(mine / "schedules" / "airflow_dag.py"))
    operator = bash.BashOperator
    calls = [*operator.call_args_list, *operator.partial.call_args_list]
    return made, {call.kwargs["task_id"]: call.kwargs for call in calls}


def test_the_tasks_of_the_dag_call_cvm_in_its_folder_with_the_key(mine, dag):
    made, tasks = dag
    wanted = {
        "prepare": "prepare config/mine.yaml",
        "company": f"{RUN} --prepared --region all",
        "region": f"{RUN} --prepared --region north",
        "report": "publish config/mine.yaml --out reports",
    }
    for task, arguments in wanted.items():
        command = ["bash", "-c", tasks[task]["bash_command"]]
        done = bare(mine, command, made["FOLDER"], CVM=made["CVM"], REGION="north")
        assert (done.stdout, done.stderr) == (said(mine, arguments) + "\n", "")


def test_a_task_for_each_region_that_cvm_lists(mine, dag):
    made, tasks = dag
    command = ["bash", "-c", tasks["regions"]["bash_command"]]
    done = bare(mine, command, made["FOLDER"], CVM=made["CVM"])
    given = tasks["regions"]["output_processor"](done.stdout.splitlines()[-1])
    assert [each["REGION"] for each in given] == ["north", "south"]
    assert bare(mine, command, made["FOLDER"], CVM="/bin/false").returncode == 1


def test_the_last_task_runs_whatever_failed_and_mails_if_it_fails(mine, dag, monkeypatch):
    _, tasks = dag
    assert tasks["report"]["trigger_rule"] == "all_done"
    assert "on_failure_callback" not in tasks["region"]
    mailed = mine.parent / "mailed"
    (mine.parent / "mail").write_text(MAIL.replace("cat", f"cat > '{mailed}'"))
    monkeypatch.setenv("PATH", f"{mine.parent}:/usr/bin:/bin")
    for context, why in (({"exception": "exit code 1"}, "exit code 1"), ({}, "no reason is known")):
        tasks["report"]["on_failure_callback"](context)
        assert mailed.read_text().splitlines() == [why, f"|{mine}|status reports"]


def test_the_key_is_in_no_schedule(mine):
    key = (mine / "key").read_text().strip()
    found = [path for path in (mine / "schedules").rglob("*") if path.is_file()]
    assert len(found) == 5 and not [path for path in found if key in path.read_text("utf-8")]
