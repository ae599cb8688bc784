"""The only reader and writer of run folders: what one notebook hands to the next.

A run folder holds `tables/<name>.parquet`, `reference.json` (what this run found: cut points and
thresholds), `company.json` (the same of the whole company, put there by `cvm run`; absent when
there is none), `limits.json` (which of the two this run went by), `figures.json` (the few figures
that stand for this run beside others), `done/<notebook>.json` (the sign that a notebook came to its
end) and `stamp.json`: of which config, region, day and prepared data all this is. Notebooks may run
side by side: a file appears whole, and what several of them add to is changed under a lock.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cvm_analysis import notebooks, prepared
from cvm_analysis.atomic_folder import lock, write
from cvm_analysis.errors import InputError
from cvm_analysis.minimum_data import Note
from cvm_analysis.settings import Settings, load
from cvm_analysis.tables import ALL, TABLES, check
from cvm_analysis.tables.summary import summarize
from cvm_analysis.texts import Words, words

if TYPE_CHECKING:
    import pandas as pd

FILES = tuple(f"{name}.json" for name in ("company", "reference", "limits", "figures", "stamp"))
CONTENTS = ("tables", "done", *FILES)


@dataclass(frozen=True)
class Run:
    """The run folder of a region and day, as one notebook uses it; `open` makes one."""

    folder: Path
    settings: Settings
    date: dt.date  # the last day that counts
    stamp: Mapping[str, str]  # config (name), region, as_of, prepared (fingerprint)
    parameters: Mapping[str, str] = field(default_factory=dict)  # as the notebook was given them
    tables: Mapping[str, set[str]] = field(
        default_factory=lambda: {"reads": set(), "writes": set()}, repr=False
    )  # what this notebook asked for so far

    def read(self, name: str) -> pd.DataFrame:
        """Read a table, indexed by its key; what it was written with is in its `attrs`.

        Raises
        ------
        InputError : not there, or made from other data; names the notebook to run first
        """
        import pandas as pd

        self._refuse_outdated()
        if not self._table(name).is_file():
            first = notebooks.find_writer(name)
            raise InputError(f"{self._table(name)}: no table {name} yet; run {first}.ipynb first")
        self.tables["reads"].add(name)
        table = pd.read_parquet(self._table(name))
        return table.set_index(list(TABLES[name].key))

    def write(self, name: str, table: pd.DataFrame, **horizon: float) -> None:
        """Write a table: columns checked against `tables`, sorted by its key, in one step.

        A table with a key `part` keeps the rows of parts that `table` does not bring. The first
        notebook begins the folder anew if the prepared data have changed.

        horizon : what columns depend on: horizon_weeks, horizon_days; kept in the file's metadata
        """
        import pandas as pd

        self._begin(notebooks.find_writer(name))
        key = list(TABLES[name].key)
        flat = table.reset_index() if table.index.names == key else table
        path = self._table(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with lock(self.folder):
            if "part" in key and path.is_file():
                before = pd.read_parquet(path)
                kept = before[~before["part"].isin(flat["part"])]
                flat = pd.concat([each for each in (kept, flat) if len(each)] or [flat])
            check(name, flat)
            ordered = flat[[c for c in TABLES[name].columns if c in flat]].sort_values(key)
            ordered.attrs = dict(horizon)
            write(path, ordered.to_parquet(index=False))
        self.tables["writes"].add(name)

    def key_figures(self, *names: str, **more: pd.DataFrame | pd.Series) -> pd.DataFrame:
        """Summarize tables of this run, and others by any name; see `summarize`.

        Returns
        -------
        One row per table and column.
        """
        import pandas as pd

        tables = {name: pd.read_parquet(self._table(name)) for name in names} | more
        found = {name: summarize(table) for name, table in tables.items()}
        return pd.concat(found, names=["table"])

    def words(self, language: str) -> Words:
        """The words of a language, with the business's own and the horizon of its forecasts."""
        return words(language, self.settings.words, self.settings.value.horizon_weeks)

    def company_reference(self) -> dict[str, Any]:
        """What the run over all regions found (cut points, thresholds); empty if there was none."""
        self._refuse_outdated()
        return _read_json(self.folder / "company.json")

    def company_or_own(self, name: str, own: Any, company_wide: bool = True) -> Any:
        """Return the company's limits under `name` where there are some, else these customers' own.

        The own ones are left in reference.json; those of region `all` become the company's.
        """
        self._begin()
        used = self.company_reference().get(name, own) if company_wide else own
        with lock(self.folder):
            for file, value in (("reference.json", own), ("limits.json", used)):
                found = _read_json(self.folder / file) | {name: value}
                _write_json(self.folder / file, dict(sorted(found.items())))
        return used

    def limits(self, name: str) -> Any:
        """Read what this run went by under `name`: the company's, or its own.

        Raises
        ------
        InputError : no notebook has settled it yet
        """
        self._refuse_outdated()
        found = _read_json(self.folder / "limits.json")
        if name not in found:
            raise InputError(f"{self.folder}: no {name} yet; run the notebooks before this one")
        return found[name]

    def uses_own_thresholds(self) -> list[Note]:
        """Note that a region had no company-wide limits to be measured by, if it had none."""
        alone = self.stamp["region"] != ALL and not self.company_reference()
        return [Note("segments", "own_cut_points")] if alone else []

    def figures(self, values: Mapping[str, float]) -> None:
        """Leave the figures by which this region is compared with others, for the portal.

        values : name under `columns` in the texts -> number; money in the config's currency, shares
            in [0, 1]. One that is not a finite number is left out.
        """
        known = {name: float(value) for name, value in values.items() if math.isfinite(value)}
        content = {
            "currency": self.settings.business.currency,
            "horizon_weeks": self.settings.value.horizon_weeks,
            "values": known,
        }
        _write_json(self.folder / "figures.json", content)

    def notes(self) -> list[Note]:
        """All notes the notebooks of this run left, in the notebooks' order."""
        signed = sorted((self.folder / "done").glob("*.json"))
        return [Note(**note) for path in signed for note in _read_json(path)["notes"]]

    def sign_off(self, notebook: str, language: str, notes: list[Note] | None = None) -> None:
        """Sign that `notebook` came to its end: its parameters, its tables, what it left out."""
        if notebook not in notebooks.describe():
            raise InputError(f"'{notebook}' is no notebook of notebooks.yaml; sign with its name")
        content = {
            "notebook": notebook,
            "parameters": {**self.parameters, "language": language},
            "reads": sorted(self.tables["reads"] - self.tables["writes"]),
            "writes": sorted(self.tables["writes"]),
            "notes": [note._asdict() for note in notes or []],
        }
        _write_json(self.folder / "done" / notebooks.signature(notebook, language), content)

    def fill(self, other: Path) -> None:
        """Take over what the notebooks of a run left in another folder, in place of what is here.

        Raises
        ------
        InputError : the other folder is of another config, region, day or prepared data
        """
        found = _read_json(other / "stamp.json")
        if found != self.stamp:
            raise InputError(f"{other}: {self._say_apart(found)}; run it again with `cvm run`")
        self._clear()
        self.folder.mkdir(parents=True, exist_ok=True)
        for path in (other / name for name in CONTENTS):
            if path.is_dir():
                shutil.copytree(path, self.folder / path.name)
            elif path.is_file():
                shutil.copy(path, self.folder / path.name)

    def _table(self, name: str) -> Path:
        return self.folder / "tables" / f"{name}.parquet"

    def _begin(self, writer: str = "") -> None:
        """Stamp the folder; clear it first if the first notebook writes and the data changed."""
        if self._is_outdated():
            if not writer or notebooks.describe()[writer].reads:
                self._refuse_outdated()
            self._clear()
        if not (self.folder / "stamp.json").is_file():
            _write_json(self.folder / "stamp.json", dict(self.stamp))

    def _is_outdated(self) -> bool:
        """Whether the folder holds tables that were made from other prepared data."""
        found = _read_json(self.folder / "stamp.json")
        return found != self.stamp if found else (self.folder / "tables").is_dir()

    def _refuse_outdated(self) -> None:
        if self._is_outdated():
            apart = self._say_apart(_read_json(self.folder / "stamp.json"))
            first = next(iter(notebooks.describe()))
            raise InputError(f"{self.folder}: {apart}; run {first}.ipynb first, then the others")

    def _refuse_another(self) -> None:
        """Refuse a folder of another config, region or day: it is in use for something else."""
        found = _read_json(self.folder / "stamp.json")
        if found and any(found.get(k) != v for k, v in self.stamp.items() if k != "prepared"):
            raise InputError(
                f"{self.folder}: {self._say_apart(found)}; leave run_dir empty, or name another "
                "folder"
            )

    def _say_apart(self, found: Mapping[str, str]) -> str:
        """Say what tables with another stamp are of."""
        if not found:
            return "its tables do not say what they are of"
        names = ("config", "region", "as_of")
        theirs, ours = (" ".join(each.get(n, "?") for n in names) for each in (found, self.stamp))
        if theirs == ours:
            return "its tables were made from data that have been prepared anew since"
        return f"its tables are of {theirs}, not of {ours}"

    def _clear(self) -> None:
        for path in (self.folder / name for name in CONTENTS):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def open(config: str | Path, region: str, as_of: str = "", run_dir: str | Path = "") -> Run:
    """Open the run folder of a region and day, for one notebook.

    Parameters
    ----------
    config : from the working folder; if it is not there, from its folder notebooks/, so that
        notebooks run from either
    region : a key of the config's regions, or `all`
    as_of : the last day that counts, an ISO date; empty: the prepared one
    run_dir : empty: the draft, ../data/drafts/<config>/<region>/<as_of> from the config's folder
        (the environment variable CVM_DRAFTS names another folder than ../data/drafts)

    Raises
    ------
    InputError : no such region or day, or the folder holds another region, day or config
    """
    settings = load(_find(config))
    prepared.check_region(settings, region)
    date = prepared.resolve_day(settings, as_of)
    stamp = {
        "config": settings.path.stem,
        "region": region,
        "as_of": date.isoformat(),
        "prepared": prepared.stamp(settings)["fingerprint"],
    }
    drafts = settings.resolve(os.environ.get("CVM_DRAFTS", "../data/drafts"))
    folder = Path(run_dir) if run_dir else drafts / stamp["config"] / region / stamp["as_of"]
    given = {"config": str(config), "region": region, "as_of": as_of, "run_dir": str(run_dir)}
    run = Run(folder, settings, date, stamp, given)
    run._refuse_another()
    return run


def _find(config: str | Path) -> Path:
    beside = Path(os.path.normpath(Path("notebooks") / config))
    return beside if beside.is_file() and not Path(config).is_file() else Path(config)


def _read_json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, json.dumps(content, ensure_ascii=False, indent=1))
