"""What many tests share: published data sets, and where to find them."""

import importlib.util
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parent.parent
HAD_IT = {  # data set of R -> time, status, what status is the event
    "lung": ("time", "status", 2),
    "veteran": ("time", "status", 1),
    "rossi": ("week", "arrest", 1),
}


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data sets and published tables; tests that need it skip without it."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("the folder ../shared with the real data sets is absent")
    return folder


@pytest.fixture(scope="session")
def cdnow_log() -> pd.DataFrame:
    """CDNOW 1/10 sample, one row per transaction: customer_id (str), date, dollars. 6,919 rows."""
    package = importlib.util.find_spec("lifetimes")
    path = Path(package.submodule_search_locations[0]) / "datasets" / "CDNOW_sample.txt"
    columns = ["master_id", "customer_id", "date", "discs", "dollars"]
    log = pd.read_csv(path, sep=r"\s+", names=columns, dtype={"master_id": str, "customer_id": str})
    return log.assign(date=pd.to_datetime(log["date"], format="%Y%m%d"))


@pytest.fixture(scope="session")
def cdnow(cdnow_log: pd.DataFrame) -> pd.DataFrame:
    """The 2,357 CDNOW customers as of 1997-09-30, indexed by customer_id, and what came after.

    n_purchase_days, first_order, last_order, x, t_x, T (weeks), spend_per_repeat_day (dollars per
    purchase day after the first, empty if x = 0), holdout (purchase days in the following 39
    weeks).
    """
    end = pd.Timestamp("1997-09-30")
    days = cdnow_log.groupby(["customer_id", "date"])["dollars"].sum().reset_index()
    seen, later = days[days["date"] <= end], days[days["date"] > end]
    customers = seen.groupby("customer_id")["date"].agg(
        n_purchase_days="size", first_order="min", last_order="max"
    )
    first = seen["customer_id"].map(customers["first_order"])
    repeats = seen[seen["date"] > first].groupby("customer_id")["dollars"]
    return customers.assign(
        x=customers["n_purchase_days"] - 1,
        t_x=(customers["last_order"] - customers["first_order"]).dt.days / 7,
        T=(end - customers["first_order"]).dt.days / 7,
        spend_per_repeat_day=repeats.mean(),
        holdout=later.groupby("customer_id").size().reindex(customers.index, fill_value=0),
    )


@pytest.fixture(scope="session")
def studies(shared: Path) -> dict[str, tuple[pd.DataFrame, pd.DataFrame]]:
    """Lung, veteran and Rossi, as R's package survival 3.5 has them: dataset -> rows, outcome."""
    found = {}
    for name, (time, status, event) in HAD_IT.items():
        rows = pd.read_csv(shared / "oracles" / f"input_{name}.csv")
        outcome = pd.DataFrame(
            {"duration": rows[time], "event": (rows[status] == event).astype(int)}
        )
        found[name] = rows, outcome
    return found


@pytest.fixture(scope="session")
def rossi() -> tuple[pd.DataFrame, pd.DataFrame]:
    """432 men released from prison, arrested again within 52 weeks or not (Rossi et al. 1980)."""
    from lifelines.datasets import load_rossi

    data = load_rossi()
    outcome = data[["week", "arrest"]].set_axis(["duration", "event"], axis=1)
    return data.drop(columns=["week", "arrest"]), outcome
