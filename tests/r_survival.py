"""The Cox models that R's survival 3.5-3 fitted, and what it found.

Tables and data are in the folder of published tables; lung status 2 is a death.
"""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

TABLES = "oracles"


class Model(NamedTuple):
    """A model R fitted: one row each of features, outcome and, where there are, strata."""

    features: pd.DataFrame
    outcome: pd.DataFrame
    strata: pd.Series | None


ROSSI = ["fin", "age", "race", "wexp", "mar", "paro", "prio"]
NAMES = [
    ("rossi", "full_efron"),
    ("rossi", "strata_race_wexp"),
    ("lung", "age_sex_phecog_efron"),
    ("veteran", "trt_karno_diag_age_prior"),
    ("heart", "tv_age_year_surgery_transplant"),
    ("heart", "tv_age_surgery_transplant_interaction"),
]  # with Efron ties
BRESLOW = [
    ("rossi", "full_breslow"),
    ("lung", "age_sex_phecog_breslow"),
    ("heart", "tv_efron_transplant_only_breslow"),
]


def found(shared: Path, table: str, dataset: str, model: str) -> pd.DataFrame:
    """The rows of one of R's tables about one model."""
    rows = pd.read_csv(shared / TABLES / f"surv_{table}.csv")
    return rows[(rows["dataset"] == dataset) & (rows["model"] == model)]


def model(shared: Path, dataset: str, name: str) -> Model:
    """The data of a model, as R was given them."""
    data = pd.read_csv(shared / TABLES / f"input_{dataset}.csv")
    return {"rossi": _rossi, "lung": _lung, "veteran": _veteran, "heart": _heart}[dataset](
        data, name
    )


def _rossi(data: pd.DataFrame, name: str) -> Model:
    outcome = data[["week", "arrest"]].set_axis(["duration", "event"], axis=1)
    if name == "strata_race_wexp":
        strata = "race=" + data["race"].astype(str) + ", wexp=" + data["wexp"].astype(str)
        return Model(data[["fin", "age", "mar", "paro", "prio"]], outcome, strata)
    return Model(data[ROSSI], outcome, None)


def _lung(data: pd.DataFrame, name: str) -> Model:
    known = data[data["ph.ecog"].notna()]
    outcome = pd.DataFrame({"duration": known["time"], "event": (known["status"] == 2).astype(int)})
    return Model(known[["age", "sex", "ph.ecog"]], outcome, None)


def _veteran(data: pd.DataFrame, name: str) -> Model:
    cells = {f"celltype{c}": data["celltype"] == c for c in ("smallcell", "adeno", "large")}
    outcome = data[["time", "status"]].set_axis(["duration", "event"], axis=1)
    rest = data[["karno", "diagtime", "age", "prior"]]
    return Model(pd.DataFrame({"trt": data["trt"], **cells}).join(rest), outcome, None)


def _heart(data: pd.DataFrame, name: str) -> Model:
    outcome = data[["start", "stop", "event"]].set_axis(["entry", "duration", "event"], axis=1)
    data = data.rename(columns={"transplant": "transplant1"})
    if name == "tv_age_surgery_transplant_interaction":
        for other in ("age", "surgery"):
            data[f"{other}:transplant1"] = data[other] * data["transplant1"]
        features = ["age", "surgery", "transplant1", "age:transplant1", "surgery:transplant1"]
        return Model(data[features], outcome, None)
    return Model(data[["age", "year", "surgery", "transplant1"]], outcome, None)
