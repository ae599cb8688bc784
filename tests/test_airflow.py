"""The shipped DAG in a real Airflow: every region is published; of one that fails a mail goes out.

`make airflow` installs Airflow in `.airflow/` and runs this.
"""

import json
import os
import random
import shutil
import subprocess
from datetime import date, timedelta
from pathlib import Path

import pytest
from own_project import CONFIG, start_beside

from cvm_analysis.project import schedules

ROOT = Path(__file__).parent.parent
AIRFLOW = ROOT / ".airflow" / "bin" / "airflow"
MAIL = '#!/bin/sh\n{ printf "%s|" "$@"; cat; } >> "$(dirname "$0")/mailed"\n'
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not AIRFLOW.is_file(), reason="no Airflow: make airflow"),
]


def write_sales(path, n_customers=120):
    """Sales of two years in two regions of 60 customers each."""
    draw = random.Random(1)
    days = [date(2024, 1, 1) + timedelta(days=day) for day in range(720)]
    rows = [
        f"C{number:03};{('North', 'South')[number % 2]};{draw.choice(days)};{draw.randint(9, 400)}"
        for number in range(n_customers)
        for _ in range(draw.randint(2, 12))
    ]
    path.write_text("\n".join(["customer;region;day;amount", *rows]) + "\n", "utf-8")


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    """A company's folder with raw files and a config; beside it a `mail` that only writes down."""
    folder = tmp_path_factory.mktemp("company") / "mine"
    start_beside(folder, mail=MAIL)
    write_sales(folder / "data" / "raw" / "sales.csv")
    command = [folder.parent / "cvm", "init", "data/raw/sales.csv"]
    drafted = subprocess.run(command, cwd=folder, check=True, capture_output=True)
    (folder / CONFIG).write_bytes(drafted.stdout)
    return folder


@pytest.fixture(scope="module")
def airflow(mine):
    """Call Airflow with a home of its own, without this checkout on its path."""
    own = {
        "AIRFLOW_HOME": str(mine.parent / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(mine / "schedules"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PATH": f"{mine.parent}:{os.environ['PATH']}",
    }
    inherited = {key: text for key, text in os.environ.items() if key != "PYTHONPATH"}

    def call(*arguments):
        return subprocess.run(
            [AIRFLOW, *arguments], env=inherited | own, capture_output=True, text=True, check=False
        )

    assert call("db", "migrate").returncode == 0
    return call


@pytest.fixture(scope="module")
def first(airflow, mine):
    return airflow("dags", "test", schedules.unit_name(mine))


def published(mine):
    return {path.parent.parent.name for path in (mine / "reports").glob("*/*/run.json")}


def made(mine, region):
    (path,) = (mine / "reports" / region).glob("2*/run.json")
    return json.loads(path.read_text("utf-8"))


def test_every_region_is_published_with_the_company_s_thresholds_and_nobody_is_mailed(first, mine):
    assert first.returncode == 0, first.stdout[-3000:] + first.stderr[-3000:]
    assert published(mine) == {"all", "north", "south"}
    portal = (mine / "reports" / "index.html").read_text("utf-8")
    assert "North" in portal and "South" in portal
    parts = made(mine, "all")["regions"]
    assert [(key, parts[key]["is_included"]) for key in sorted(parts)] == [
        ("north", True),
        ("south", True),
    ]
    assert made(mine, "north")["company"] == made(mine, "south")["company"] is not None
    assert not (mine.parent / "mailed").exists()


def test_of_a_region_that_fails_a_mail_goes_out_and_the_others_are_published(first, airflow, mine):
    shutil.rmtree(mine / "reports" / "south")
    (mine / "reports" / "south").write_text("in the way")
    second = airflow("dags", "test", schedules.unit_name(mine))
    assert second.returncode != 0
    assert published(mine) == {"all", "north"}
    assert not made(mine, "all")["regions"]["south"]["is_included"]
    (mailed,) = (mine.parent / "mailed").read_text("utf-8").split("-s|")[1:]
    assert mailed.startswith(f"cvm: the run of {mine} failed|")
    assert "non-zero exit code 1" in mailed and "without South" in mailed


def test_where_nothing_can_be_prepared_one_mail_goes_out_and_reports_stay(first, airflow, mine):
    before = published(mine)
    (mine.parent / "mailed").unlink(missing_ok=True)
    (mine / CONFIG).rename(mine / "aside.yaml")
    third = airflow("dags", "test", schedules.unit_name(mine))
    (mine / "aside.yaml").rename(mine / CONFIG)
    assert third.returncode != 0 and published(mine) == before
    (mailed,) = (mine.parent / "mailed").read_text("utf-8").split("-s|")[1:]
    assert "non-zero exit code 2" in mailed
