"""What many tests share: published data sets, and where to find them."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from purchase_logs import summarize

from cvm_analysis import sample

ROOT = Path(__file__).parent.parent
DATA_FOLDER = Path(os.environ.get("CVM_TEST_DATA") or ROOT.parent / "shared")
DATA_SETS = {  # that may not be copied: README.md says where they come from
    "apparel": "oracles/input_apparelTrans.csv",
    "apparel_covariates": "oracles/input_apparelStaticCov.csv",
    "online_retail": "data/online_retail/online_retail.csv.gz",
    "olist": "data/olist_sample/olist_order_reviews_dataset.csv",
    "rfm_orders": "data/rfm_orders/rfm_data_orders.csv",
    "telco": "data/telco/Telco-Customer-Churn.csv",
}


@pytest.fixture(scope="session")
def data_set() -> Callable[[str], Path]:
    """Where a data set lies that may not be copied; without it the test skips."""

    def find(name: str) -> Path:
        path = DATA_FOLDER / DATA_SETS[name]
        if not path.is_file():
            pytest.skip(f"no data set {name}: see README.md, Data sets for further tests")
        return path

    return find


@pytest.fixture(scope="session")
def lifetimes_data() -> Path:
    """The folder of data sets in the package lifetimes."""
    package = importlib.util.find_spec("lifetimes")
    return Path(package.submodule_search_locations[0]) / "datasets"


@pytest.fixture(scope="session")
def cdnow_log(lifetimes_data: Path) -> pd.DataFrame:
    """CDNOW 1/10 sample, one row per transaction: customer_id (str), date, dollars. 6,919 rows."""
    columns = ["master_id", "customer_id", "date", "discs", "dollars"]
    path, text = lifetimes_data / "CDNOW_sample.txt", {"master_id": str, "customer_id": str}
    log = pd.read_csv(path, sep=r"\s+", names=columns, dtype=text)
    return log.assign(date=pd.to_datetime(log["date"], format="%Y%m%d"))


@pytest.fixture(scope="session")
def cdnow(cdnow_log: pd.DataFrame) -> pd.DataFrame:
    """The 2,357 CDNOW customers as of 1997-09-30, and the 39 weeks after (see summarize)."""
    return summarize(cdnow_log.rename(columns={"dollars": "amount"}), "1997-09-30")


@pytest.fixture(scope="session")
def full_cdnow_log(lifetimes_data: Path) -> pd.DataFrame:
    """The whole of CDNOW: customer_id, date, discs, dollars. 69,659 rows."""
    columns = ["customer_id", "date", "discs", "dollars"]
    path = lifetimes_data / "CDNOW_master.txt"
    log = pd.read_csv(path, sep=r"\s+", names=columns, header=0, dtype={"customer_id": str})
    return log.assign(date=pd.to_datetime(log["date"], format="%Y%m%d"))


@pytest.fixture(scope="session")
def full_cdnow(full_cdnow_log: pd.DataFrame) -> pd.DataFrame:
    """The 23,570 customers of the whole of CDNOW, as of the same day."""
    return summarize(full_cdnow_log.rename(columns={"dollars": "amount"}), "1997-09-30")


@pytest.fixture(scope="session")
def apparel_log(data_set: Callable[[str], Path]) -> pd.DataFrame:
    """Sales of an apparel retailer, 2005 to 2010: customer_id, date, amount. 3,187 rows."""
    log = pd.read_csv(data_set("apparel"), parse_dates=["Date"])
    return log.set_axis(["customer_id", "date", "amount"], axis=1)


@pytest.fixture(scope="session")
def apparel(apparel_log: pd.DataFrame, data_set: Callable[[str], Path]) -> pd.DataFrame:
    """The retailer's 600 customers as of 2006-12-31 (see summarize), with Gender and Channel."""
    covariates = pd.read_csv(data_set("apparel_covariates"), index_col="Id")
    return summarize(apparel_log, "2006-12-31").join(covariates)


@pytest.fixture(scope="session")
def online_retail(data_set: Callable[[str], Path]) -> pd.DataFrame:
    """Sold lines of UCI Online Retail with a customer: customer_id, country, at, day, amount."""
    columns = ["CustomerID", "Country", "InvoiceDate", "Quantity", "UnitPrice"]
    lines = pd.read_csv(data_set("online_retail"), usecols=columns, dtype={"CustomerID": str})
    lines = lines.assign(amount=lines["Quantity"] * lines["UnitPrice"])
    lines = lines[(lines["amount"] > 0) & lines["CustomerID"].notna()]
    at = pd.to_datetime(lines["InvoiceDate"])
    lines = lines.assign(at=at, day=at.dt.normalize())
    names = {"CustomerID": "customer_id", "Country": "country"}
    return lines.rename(columns=names)[["customer_id", "country", "at", "day", "amount"]]


@pytest.fixture(scope="session")
def rossi() -> tuple[pd.DataFrame, pd.DataFrame]:
    """432 men released from prison, arrested again within 52 weeks or not (Rossi et al. 1980)."""
    from lifelines.datasets import load_rossi

    data = load_rossi()
    outcome = data[["week", "arrest"]].set_axis(["duration", "event"], axis=1)
    return data.drop(columns=["week", "arrest"]), outcome


@pytest.fixture(scope="session")
def whole_sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the invented company, all its customers, in data/sample; nobody changes them."""
    from cvm_analysis import sample

    folder = tmp_path_factory.mktemp("whole") / "data" / "sample"
    sample.make(folder)
    return folder


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as a wheel installs it, apart from the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    offline = ["--no-deps", "--no-index"]
    build = [*pip, "wheel", *offline, "--no-build-isolation", "--wheel-dir", folder, ROOT]
    subprocess.run(build, check=True)
    (path,) = folder.glob("*.whl")
    subprocess.run([*pip, "install", *offline, "--target", folder / "at", path], check=True)
    return folder / "at"


@pytest.fixture
def folder(made, tmp_path, monkeypatch):
    """A copy of the module's fixture `made`, which is where the user stands."""
    shutil.copytree(made, tmp_path / "at", symlinks=True)
    monkeypatch.chdir(tmp_path / "at")
    return tmp_path / "at"


@pytest.fixture(scope="session")
def sample_business(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with raw files of 100 customers and the configs of the sample."""
    folder = tmp_path_factory.mktemp("business")
    sample.make(folder / "data" / "sample", 100)
    shutil.copytree(ROOT / "config", folder / "config")
    return folder


@pytest.fixture
def config(sample_business: Path, tmp_path: Path) -> Path:
    """The folder of a copy of the sample's configs that a test may change."""
    shutil.copytree(sample_business / "config", tmp_path / "config")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "sample").symlink_to(sample_business / "data" / "sample")
    return tmp_path / "config"
