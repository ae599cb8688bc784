"""The only reader and writer of run folders, through which notebooks pass on their results.

tables/<name>.parquet   results; `cvm run` puts `ledger` and `earlier_reports` there before
reference.json          cut points and thresholds that this run found
company.json            those of the whole company, if `cvm run` has put them there
thresholds.json         those that this run used
figures.json            key figures for the portal
alerts.json             what needs attention, in words
lists/                  for the desk: <name>.<language>.csv, and all lists in one .xlsx
regions.json            of `all`: the regions whose tables are in its own
done/<notebook>.json    shows that a notebook finished
stamp.json              config, region, date and prepared data of the run
"""

from __future__ import annotations

import datetime as dt
import json
import math
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from cvm_analysis import file_names, notebooks, prepared
from cvm_analysis.atomic_folder import lock, read_json, write
from cvm_analysis.errors import InputError
from cvm_analysis.minimum_data import Note
from cvm_analysis.settings import Settings, load
from cvm_analysis.spreadsheets import no_formula
from cvm_analysis.tables import ALL, HANDED_IN, TABLES, check, empty
from cvm_analysis.tables.summary import summarize
from cvm_analysis.texts import Words, words
from cvm_analysis.union import REGIONS

FILES = tuple(
    f"{name}.json" for name in ("company", "reference", "thresholds", "figures", "alerts", "stamp")
)
CONTENTS = ("tables", "done", "lists", *FILES, REGIONS)


class Coverage(NamedTuple):
    """How many regions make up `all`, and the names of those that are not in its tables."""

    n_regions: int
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Run:
    """The run folder of a region and day for one notebook; see `open`."""

    folder: Path
    settings: Settings
    date: dt.date  # the last day that counts
    stamp: Mapping[str, str]  # config (name), region, as_of, prepared (fingerprint)
    parameters: Mapping[str, str] = field(default_factory=dict)  # of the notebook
    tables_read: set[str] = field(default_factory=set, repr=False)
    tables_written: set[str] = field(default_factory=set, repr=False)

    def read(self, name: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Read a table, indexed by its key; its horizon is in `attrs`.

        columns : as far as the table has them; None: all of it
        A table that `cvm run` hands in (`ledger`, `earlier_reports`) is empty where it has not.

        InputError, if it is missing, damaged or made from other data, names the notebook to run.
        """
        self._refuse_outdated()
        if name in HANDED_IN and not self._table(name).is_file():
            self.tables_read.add(name)
            return empty(name).set_index(list(TABLES[name].key))
        if not self._table(name).is_file():
            first = notebooks.find_writer(name)
            raise InputError(f"{self._table(name)}: no table {name} yet; run {first}.ipynb first")
        self.tables_read.add(name)
        return self._load(name, columns=columns)

    def read_customer(self, name: str, customer_id: str) -> pd.DataFrame:
        """Read one customer's rows of a table, indexed by its key; none where it is missing."""
        self._refuse_outdated()
        if name not in TABLES or not self._table(name).is_file():
            return pd.DataFrame()
        return self._load(name, [("customer_id", "==", customer_id)])

    def _load(
        self,
        name: str,
        where: list[tuple[str, str, str]] | None = None,
        columns: Sequence[str] | None = None,
    ) -> pd.DataFrame:
        from pyarrow import parquet

        path, key = self._table(name), list(TABLES[name].key)
        try:
            if columns is not None:
                present = parquet.read_schema(path).names
                columns = [*key, *(c for c in present if c in columns and c not in key)]
            table = pd.read_parquet(path, filters=where, columns=columns)
        except (OSError, ValueError):
            first = notebooks.find_writer(name)
            raise InputError(f"{path}: damaged; run {first}.ipynb again") from None
        return table.set_index(key)

    def read_own(self, name: str) -> pd.DataFrame:
        """Read this region's rows of a table that keeps those of all regions beside each other."""
        table = self.read(name)
        of_region = table.index.get_level_values("region") == self.stamp["region"]
        return table[of_region].droplevel("region")

    def write(self, name: str, table: pd.DataFrame, **horizon: float) -> None:
        """Check a table's columns and write it, sorted by its key, in one step.

        A table with a key `part` keeps the rows of other parts; one that keeps regions beside each
        other gets the `region` of the run. The first notebook clears the
        folder if the prepared data have changed.

        horizon : horizon_weeks or horizon_days of its forecasts, for the file's metadata
        """
        self._begin(notebooks.find_writer(name))
        key = list(TABLES[name].key)
        if TABLES[name].company == "beside":
            table = pd.concat({self.stamp["region"]: table}, names=["region"])
        flat = table.reset_index() if table.index.names == key else table
        path = self._table(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if TABLES[name].company != "own":
            (self.folder / REGIONS).unlink(missing_ok=True)  # now a table of its own
        with lock(self.folder):
            if "part" in key and path.is_file():
                with suppress(OSError, ValueError):  # a damaged one is written anew
                    before = pd.read_parquet(path)
                    kept = before[~before["part"].isin(flat["part"])]
                    flat = pd.concat([each for each in (kept, flat) if len(each)] or [flat])
            check(name, flat)
            columns = [c for c in TABLES[name].columns if c in flat]
            others = [c for c in flat if c not in columns]  # `check` refuses them where none may be
            ordered = flat[columns + others].sort_values(key)
            ordered.attrs = dict(horizon)
            write(path, ordered.to_parquet(index=False))
        self.tables_written.add(name)

    def write_lists(
        self, lists: Mapping[str, pd.DataFrame], language: str, workbook: bytes
    ) -> None:
        """Write the lists for the desk in a language: all as one workbook, and each as a CSV file.

        lists/<business>-<region>-<date>.<language>.xlsx and lists/<name>.<language>.csv

        workbook : content of the Excel file, see `report.workbook`
        """
        for name, table in lists.items():
            self.write_list(f"{name}.{language}", table)
        stem = file_names.stem(
            self.settings.business.business, self.stamp["region"], self.stamp["as_of"]
        )
        write(self.folder / "lists" / f"{stem}.{language}.xlsx", workbook)

    def write_list(self, name: str, table: pd.DataFrame) -> None:
        """Write a list for the desk to lists/<name>.csv: UTF-8 with a mark, as Excel reads it.

        A text that a spreadsheet would take for a formula gets an apostrophe before it; days are
        ISO dates.
        """
        texts = table.select_dtypes(include=["object", "string", "category"]).columns
        safe = table.assign(**{column: table[column].map(no_formula) for column in texts})
        path = self.folder / "lists" / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = safe.to_csv(index=False, lineterminator="\r\n", date_format="%Y-%m-%d")
        write(path, text.encode("utf-8-sig"))

    def key_figures(self, *names: str, **more: pd.DataFrame | pd.Series) -> pd.DataFrame:
        """Summarize tables of this run and `more`: one row per table and column."""
        tables = {name: pd.read_parquet(self._table(name)) for name in names} | more
        found = {name: summarize(table) for name, table in tables.items()}
        return pd.concat(found, names=["table"])

    def words(self, language: str) -> Words:
        """The texts of a language, with the business's own words, its horizon and its period.

        A region is called in texts what it is called in titles.
        """
        times = self.settings.value.horizon_weeks, self.settings.segments.period_days
        names = prepared.region_names(self.settings)
        regions = {f"values.region.{key}": name[language] for key, name in names.items()}
        own = {**regions, **self.settings.words.get(language, {})}
        return words(language, {language: own}, *times)

    def title(self, language: str) -> str:
        """Name the business and the region."""
        name = prepared.region_names(self.settings)[self.stamp["region"]][language]
        business = self.settings.business.business
        return self.words(language)("report.title", business=business, region=name)

    def company_reference(self) -> dict[str, Any]:
        """Cut points and thresholds of the whole company; empty if it has not been run."""
        self._refuse_outdated()
        return _read_json(self.folder / "company.json")

    def company_or_own(self, name: str, own: Any, company_wide: bool = True) -> Any:
        """Return the company's thresholds of this name, else these customers' own.

        Own thresholds are written to reference.json; those of region `all` become the company's.
        """
        self._begin()
        used = self.company_reference().get(name, own) if company_wide else own
        with lock(self.folder):
            for file, value in (("reference.json", own), ("thresholds.json", used)):
                found = _read_json(self.folder / file) | {name: value}
                _write_json(self.folder / file, dict(sorted(found.items())))
        return used

    def thresholds(self, name: str) -> Any:
        """Read the thresholds that this run uses; InputError if no notebook has set them yet."""
        self._refuse_outdated()
        found = _read_json(self.folder / "thresholds.json")
        if name not in found:
            raise InputError(f"{self.folder}: no {name} yet; run the notebooks before this one")
        return found[name]

    def uses_own_thresholds(self) -> list[Note]:
        """Note, for a region, that there were no company-wide thresholds."""
        alone = self.stamp["region"] != ALL and not self.company_reference()
        return [Note("segments", "own_cut_points")] if alone else []

    def learned_from_sample(self, n_customers: int, n_in_company: int | None) -> list[Note]:
        """Note that the thresholds in use were learned from a sample of the company's customers.

        n_customers : of this run; n_in_company : of the company whose sample they are, or None
        """
        own = None if n_in_company is None else {"sampled": n_customers, "of": n_in_company}
        used = self.company_or_own("learned_from", own)
        return (
            [Note("segments", "learned_from_sample", used["sampled"], used["of"])] if used else []
        )

    def coverage(self, language: str) -> Coverage:
        """Of `all`: how many regions there are, and which are missing; of a region, 0 and none.

        All are missing if the tables are the company's own, not made from those of its regions.
        """
        if self.stamp["region"] != ALL:
            return Coverage(0, ())
        names = prepared.region_names(self.settings)
        keys = [key for key in names if key != ALL]
        present = _read_json(self.folder / REGIONS).get("regions", ())
        missing = tuple(names[key][language] for key in keys if key not in present)
        return Coverage(len(keys), missing)

    def figures(self, values: Mapping[str, float]) -> None:
        """Write the key figures by which the portal compares regions.

        values : name under `columns` in the texts -> number; money in the config's currency, shares
            in [0, 1]. Values that are not finite are omitted.
        """
        finite = {name: float(value) for name, value in values.items() if math.isfinite(value)}
        content = {
            "currency": self.settings.business.currency,
            "horizon_weeks": self.settings.value.horizon_weeks,
            "values": finite,
        }
        _write_json(self.folder / "figures.json", content)

    def alerts(self, alerts: Sequence[Mapping[str, Any]]) -> None:
        """Write the alerts for run.json and the summary of `cvm run`, worst first.

        alerts : one per alert, as report.alerts.describe makes them: code, figure, value (number or
            None), text and clause by language
        """
        _write_json(self.folder / "alerts.json", list(alerts))

    def notes(self) -> list[Note]:
        """All notes of this run, in the order of the notebooks."""
        signed = sorted((self.folder / "done").glob("*.json"))
        return [Note(**note) for path in signed for note in _read_json(path).get("notes", ())]

    def sign_off(self, notebook: str, language: str, notes: list[Note] | None = None) -> None:
        """Record that `notebook` finished: its parameters, its tables, what it omitted."""
        if notebook not in notebooks.describe():
            raise InputError(f"no notebook '{notebook}' in notebooks.yaml; use its file name")
        content = {
            "notebook": notebook,
            "parameters": {**self.parameters, "language": language},
            "reads": sorted(self.tables_read - self.tables_written),
            "writes": sorted(self.tables_written),
            "notes": [note._asdict() for note in notes or []],
        }
        _write_json(self.folder / "done" / notebooks.signature(notebook, language), content)

    def copy_from(self, other: Path) -> None:
        """Replace the content of this folder by that of another one.

        InputError if the other folder has another config, region, day or prepared data.
        """
        found = _read_json(other / "stamp.json")
        if found != self.stamp:
            raise InputError(f"{other}: {self._difference(found)}; run it again with `cvm run`")
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
        """Stamp the folder; if the data changed, the first notebook clears it before."""
        if self.is_outdated():
            if not writer or notebooks.describe()[writer].reads:
                self._refuse_outdated()
            self._clear()
        if not (self.folder / "stamp.json").is_file():
            _write_json(self.folder / "stamp.json", dict(self.stamp))

    def is_outdated(self) -> bool:
        """Whether the tables were made from other prepared data."""
        found = _read_json(self.folder / "stamp.json")
        return found != self.stamp if found else (self.folder / "tables").is_dir()

    def _refuse_outdated(self) -> None:
        if self.is_outdated():
            difference = self._difference(_read_json(self.folder / "stamp.json"))
            first = next(iter(notebooks.describe()))
            raise InputError(f"{self.folder}: {difference}; run all notebooks from {first}.ipynb")

    def _refuse_another(self) -> None:
        """Refuse a folder in use for another config, region or day."""
        found = _read_json(self.folder / "stamp.json")
        if found and any(found.get(k) != v for k, v in self.stamp.items() if k != "prepared"):
            difference = self._difference(found)
            raise InputError(f"{self.folder}: {difference}; leave run_dir empty or change it")

    def _difference(self, found: Mapping[str, str]) -> str:
        """Describe how another stamp differs from this run's."""
        if not found:
            return "its tables have no stamp.json"
        names = ("config", "region", "as_of")
        theirs, ours = (" ".join(each.get(n, "?") for n in names) for each in (found, self.stamp))
        if theirs == ours:
            return "the data have been prepared again since its tables were made"
        return f"its tables are for {theirs}, not for {ours}"

    def _clear(self) -> None:
        for path in (self.folder / name for name in CONTENTS):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def open(config: str | Path, region: str, as_of: str = "", run_dir: str | Path = "") -> Run:
    """Open the run folder of a region and day, for one notebook.

    A folder that names its prepared data is read with these as long as they are kept; the settings
    of the result name them.

    Parameters
    ----------
    config : relative to the working folder or to notebooks/
    region : a key of the config's regions, or `all`
    as_of : the last day that counts, an ISO date; empty: the last complete one, see `prepared`
    run_dir : empty: the draft, <drafts>/<config>/<region>/<as_of>, where <drafts> is ../data/drafts
        from the config's folder, or the environment variable CVM_DRAFTS

    Raises
    ------
    InputError : no such region or day, or a folder of another region, day or config
    """
    named = _read_json(Path(run_dir) / "stamp.json").get("prepared", "") if run_dir else ""
    settings = prepared.pin(load(_find(config)), named)
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
    """Read a file of a run folder; a damaged one counts as missing: its notebook writes it anew."""
    return read_json(path, dict[str, Any]) or {}


def _write_json(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, json.dumps(content, ensure_ascii=False, indent=1))
