"""The only reader and writer of run folders: what one notebook hands to the next.

A run folder holds `tables/<name>.parquet`, `reference.json` (what this run found: cut points and
thresholds), `company.json` (the same of the whole company, put there by `cvm run`; absent when
there is none), `figures.json` (the few figures that stand for this run beside others) and
`done/<notebook>.json`, the sign that a notebook came to its end.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cvm_analysis.errors import InputError
from cvm_analysis.minimum_data import Note
from cvm_analysis.tables import ALL, TABLES, check

if TYPE_CHECKING:
    import pandas as pd

WRITTEN_BY = {
    "customers": "01_customers",
    "quality": "01_customers",
    **dict.fromkeys(
        ("segments", "grades", "grade_points", "grade_history", "transitions", "downgrades"),
        "02_segments",
    ),
    **dict.fromkeys(("clusters", "cluster_summary", "cluster_features"), "03_clusters"),
    **dict.fromkeys(("value", "value_totals"), "04_value"),
    "backtest": "04_value",
    "churn": "05_churn",
    "hazards": "05_churn",
    "contract_churn": "05_churn",
    "strategy": "06_strategy",
}


def read(run_dir: str | Path, name: str) -> pd.DataFrame:
    """Read a table of this run, indexed by its key; InputError names the notebook to run first."""
    import pandas as pd

    path = _table(run_dir, name)
    if not path.is_file():
        raise InputError(f"{path}: no table {name} yet; run {WRITTEN_BY[name]}.ipynb first")
    return pd.read_parquet(path).set_index(list(TABLES[name].key))


def write(run_dir: str | Path, name: str, table: pd.DataFrame) -> None:
    """Write a table: columns checked against `tables`, sorted by its key, in one step.

    A table with a key `part` keeps the rows of parts that `table` does not bring.
    """
    import pandas as pd

    key = list(TABLES[name].key)
    flat = table.reset_index() if table.index.names == key else table
    if "part" in key and _table(run_dir, name).is_file():
        before = read(run_dir, name).reset_index()
        kept = before[~before["part"].isin(flat["part"])]
        flat = pd.concat([each for each in (kept, flat) if len(each)] or [flat])
    check(name, flat)
    columns = [c for c in TABLES[name].columns if c in flat]
    path = _table(run_dir, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".writing")
    flat[columns].sort_values(key).to_parquet(unfinished, index=False)
    unfinished.replace(path)


def company(run_dir: str | Path) -> dict[str, Any]:
    """What the run over all regions found (cut points, thresholds); empty where there is none."""
    return _read_json(Path(run_dir) / "company.json")


def agreed(run_dir: str | Path, name: str, own: Any, company_wide: bool = True) -> Any:
    """Return the company's limits under `name` where there are some, else these customers' own.

    The own ones are left in reference.json; those of region `all` become the company's.
    """
    path = Path(run_dir) / "reference.json"
    _write_json(path, _read_json(path) | {name: own})
    return company(run_dir).get(name, own) if company_wide else own


def limits(run_dir: str | Path, name: str) -> Any:
    """Read what this run was measured by under `name`: the company's, else its own."""
    own = _read_json(Path(run_dir) / "reference.json")
    return (own | company(run_dir)).get(name)


def figures(
    run_dir: str | Path, values: Mapping[str, float], currency: str, horizon_weeks: int
) -> None:
    """Leave the figures by which this region is compared with others, for the portal.

    values : name under `columns` in the texts -> number; money is in `currency`, shares in [0, 1].
        One that is not a finite number is left out.
    horizon_weeks : of those that are forecasts
    """
    known = {name: float(value) for name, value in values.items() if math.isfinite(value)}
    left = {"currency": currency, "horizon_weeks": horizon_weeks, "values": known}
    _write_json(Path(run_dir) / "figures.json", left)


def alone(run_dir: str | Path, region: str) -> list[Note]:
    """Note that a region had no company-wide limits to be measured by, if it had none."""
    return [] if region == ALL or company(run_dir) else [Note("segments", "own_cut_points")]


def done(
    run_dir: str | Path, notebook: str, notes: list[Note] | None = None, **parameters: str
) -> None:
    """Sign that `notebook` came to its end with these parameters, and what it had to leave out."""
    content = {
        "notebook": notebook,
        "parameters": {"run_dir": str(run_dir), **parameters},
        "notes": [note._asdict() for note in notes or []],
    }
    _write_json(Path(run_dir) / "done" / f"{notebook}.json", content)


def notes(run_dir: str | Path) -> list[Note]:
    """All notes the notebooks of this run left, in the notebooks' order."""
    signed = sorted((Path(run_dir) / "done").glob("*.json"))
    return [Note(**note) for path in signed for note in _read_json(path)["notes"]]


def copy(run_dir: str | Path, to: Path) -> None:
    """Copy what a run's notebooks handed on into another run folder, replacing what is there."""
    for name in ("tables", "done"):
        shutil.rmtree(to / name, ignore_errors=True)
        shutil.copytree(Path(run_dir) / name, to / name)
    for name in ("company.json", "figures.json", "reference.json"):
        (to / name).unlink(missing_ok=True)
        if (Path(run_dir) / name).is_file():
            shutil.copy(Path(run_dir) / name, to / name)


def _table(run_dir: str | Path, name: str) -> Path:
    return Path(run_dir) / "tables" / f"{name}.parquet"


def _read_json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".writing")
    unfinished.write_text(json.dumps(content, ensure_ascii=False, indent=1), "utf-8")
    unfinished.replace(path)
