"""The weekly reports as an Airflow DAG, where several workers share the regions.

The regions need the thresholds of the company's analysis, and its report needs the regions:

    prepare -> company -> regions -> region (one task each) -> report

`report` makes the company's report on the regions that there are, whatever happened before, and
fails if one of them is not up to date. Workers need this folder under the same path, on a disk with
file locks, and the same installation of `cvm`; Airflow itself needs no package of it. Needs
Airflow 3.
"""

import subprocess
from datetime import datetime, timedelta
from typing import Any

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

FOLDER = "$folder"
CVM = "$cvm"
MAILTO = "$user"
AT_ONCE = 2  # regions at a time, over all workers
CALL = 'CVM_KEY="$$(cat key)" "$$CVM"'
RUN = f"{CALL} run config/mine.yaml --out reports --prepared"


def alert(context: dict[str, Any]) -> None:
    """Mail which regions are not good; a notifier of your own may stand here instead."""
    found = subprocess.run(
        [CVM, "status", "reports"], cwd=FOLDER, capture_output=True, text=True, check=False
    )
    why = context.get("exception", "no reason is known")
    text = f"{why}\n{found.stdout}{found.stderr}"
    subject = f"cvm: the run of {FOLDER} failed"
    subprocess.run(["mail", "-s", subject, MAILTO], input=text, text=True, check=True)


with DAG(
    dag_id="$unit",
    schedule="0 6 * * 1",  # in the time zone of Airflow: UTC, unless it is set otherwise
    start_date=datetime(2026, 1, 1),
    catchup=False,  # of missed runs only the last is made: it takes the data as they are
    max_active_runs=1,
    default_args={
        "cwd": FOLDER,
        "env": {"CVM": CVM},
        "append_env": True,
        "execution_timeout": timedelta(hours=12),  # a notebook ends after an hour by itself
    },
):
    prepare = BashOperator(task_id="prepare", bash_command=f"{CALL} prepare config/mine.yaml")
    company = BashOperator(task_id="company", bash_command=f"{RUN} --region all")
    regions = BashOperator(
        task_id="regions",
        bash_command='keys=$$("$$CVM" regions config/mine.yaml) && echo $$keys',
        output_processor=lambda keys: [{"CVM": CVM, "REGION": key} for key in keys.split()],
    )
    region = BashOperator.partial(
        task_id="region",
        bash_command=f'{RUN} --region "$$REGION"',
        retries=1,  # on another worker, if this one dies
        retry_delay=timedelta(minutes=1),
        map_index_template="{{ task.env['REGION'] }}",
        max_active_tis_per_dagrun=AT_ONCE,
    ).expand(env=regions.output)
    report = BashOperator(
        task_id="report",
        bash_command=f"{CALL} publish config/mine.yaml --out reports",
        trigger_rule="all_done",
        on_failure_callback=alert,
    )
    prepare >> company >> regions >> region >> report
