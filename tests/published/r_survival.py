"""The Cox models that R's survival 3.5-3 fitted, and what it found.

Rossi, lung and heart are lifelines' copies, equal to R's; veteran lies in this folder.
"""

from typing import NamedTuple

import pandas as pd
from lifelines.datasets import load_lung, load_rossi, load_stanford_heart_transplants

from published import read


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


STUDIES = {  # dataset -> time, and 1 for an event
    "lung": ("time", "status"),
    "veteran": ("time", "status"),
    "rossi": ("week", "arrest"),
}


def data(dataset: str) -> pd.DataFrame:
    """The rows that R was given."""
    if dataset == "veteran":
        return read("veteran")
    return {"rossi": load_rossi, "lung": load_lung, "heart": load_stanford_heart_transplants}[
        dataset
    ]()


def study(dataset: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows and outcome of lung, veteran or rossi."""
    rows = data(dataset)
    return rows, rows[list(STUDIES[dataset])].set_axis(["duration", "event"], axis=1)


def model(dataset: str, name: str) -> Model:
    """The data of a model, as R was given them."""
    build = {"rossi": _rossi, "lung": _lung, "veteran": _veteran, "heart": _heart}[dataset]
    return build(data(dataset), name)


def _rossi(data: pd.DataFrame, name: str) -> Model:
    outcome = data[["week", "arrest"]].set_axis(["duration", "event"], axis=1)
    if name == "strata_race_wexp":
        strata = "race=" + data["race"].astype(str) + ", wexp=" + data["wexp"].astype(str)
        return Model(data[["fin", "age", "mar", "paro", "prio"]], outcome, strata)
    return Model(data[ROSSI], outcome, None)


def _lung(data: pd.DataFrame, name: str) -> Model:
    known = data[data["ph.ecog"].notna()]
    outcome = pd.DataFrame({"duration": known["time"], "event": known["status"]})
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
