"""The sample folder: raw files and truth.json, rewritten only if something changed."""

import hashlib
import json
from pathlib import Path
from tempfile import TemporaryDirectory

from cvm_analysis import __version__
from cvm_analysis.errors import InputError
from cvm_analysis.sample import company

MIN_CUSTOMERS = 100


def make(folder: Path, n_customers: int = 12_000, seed: int = 20260101) -> None:
    """Write the invented company's raw files and the truth about them.

    An identical sample (size, seed, version, code, bytes) stays as it is; another one is replaced.

    Parameters
    ----------
    folder : for truth.json and raw/ with sales_<region>.csv, customers.csv, feedback.csv,
        contracts.csv, indicators.csv, campaign_members.csv, contact_log.csv, consents.csv,
        points.csv, referrals.csv, leads.csv and mentions.csv
    n_customers : retail customers of all regions, 100 or more; for 40 of them there is one project
        customer, for 150 one dealer
    seed : the same seed gives the same bytes

    truth.json contains
        made_by : version, code, seed, n_customers
        first_day, as_of, extracted_on : ISO dates
        groups : definition and behaviour of each group of retail customers
        regions : by key, the true retail parameters (weeks, CNY), and totals of clean purchases of
            all customers and by type
        drop_out, complaints, surveys, contracts : the true hazards, probabilities and means
        files : by path, encoding, sha256, number of rows, and dirt of each kind
        campaigns : by campaign_id, action, assigned_on, window_days, treated_share,
            contacted_share (of the treated), effects (added to the share who buy within the window,
            by group and of all members), n_treated, n_control, orders (ids of the responses)
        contacts : preferred (share of customers by the channel they answer best), answered
            (probability of an answer, by whether the channel is it), declined (share of answers)
        indicators : of shares (market_share, share_of_wallet), by type of customer: mean, spread,
            known (share of customers)
        points : chance of joining at an order, difference of members to others (none), CNY per
            point, expire_after_days, the rates at which points are used (per day, Gamma;
            `never_used_by` a share of members), breakage (share of points that expire)
        referrals : share of customers who were referred, their difference to others (none),
            n_referred, cycles (pairs of customers who are said to have brought each other)
        second_ids : customers (customer_id, second_id, since: day of the first order under it),
            self_referrals (ids of those who referred their own second id)
        leads : stages, won_within_horizon (share of leads, by source and of all), hot_share
        texts : tone_as_scored (share of texts with the tone of their score), answers and mentions:
            n, n_negative, personal (texts with a detail of the customer's record, by its column);
            of mentions negative_share (before, after, from) and by_month (n, n_negative)
        consents : shares of customers recorded, of answers given, and of these withdrawn
        customers : one record per retail customer: customer_id, region, group, preferred_channel,
            purchase_rate (per week), order_value (CNY), first_order, first_late, first_complaint
            (null: none by as_of), dropped_on (null: active at as_of; but for responses to campaigns
            there is no order after it), amounts (CNY, orders in order of time)
        trade : one record per project customer or dealer: customer_id, customer_type, region,
            first_order

    InputError for too few customers, or other files in `folder`.
    """
    if n_customers < MIN_CUSTOMERS:
        raise InputError(f"{n_customers} customers are too few; choose {MIN_CUSTOMERS} or more")
    folder = Path(folder).resolve()
    made_by = {"version": __version__, "code": _code(), "seed": seed, "n_customers": n_customers}
    if _is_made(folder, made_by):
        return
    _refuse_to_overwrite(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".sample-", dir=folder.parent) as beside:
        new = Path(beside) / "new"
        new.mkdir()
        known = company.write(new, n_customers, seed)
        _write_truth(new / "truth.json", {"made_by": made_by, **known})
        if folder.exists():
            folder.rename(Path(beside) / "old")
        new.rename(folder)


def _code() -> str:
    """Digest the code that makes the sample."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]


def _write_truth(path: Path, truth: dict[str, object]) -> None:
    parts = [f'"{key}": {json.dumps(value, ensure_ascii=False)}' for key, value in truth.items()]
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


def _truth(folder: Path) -> dict[str, dict]:
    try:
        truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return truth if isinstance(truth, dict) and "made_by" in truth else {}


def _is_made(folder: Path, made_by: dict[str, object]) -> bool:
    truth = _truth(folder)
    return truth.get("made_by") == made_by and all(
        (folder / path).is_file() and _sha256(folder / path) == known["sha256"]
        for path, known in truth["files"].items()
    )


def _refuse_to_overwrite(folder: Path) -> None:
    if not folder.exists():
        return
    ours = {"truth.json", *_truth(folder).get("files", {})}
    found = [folder] if folder.is_file() else [path for path in folder.rglob("*") if path.is_file()]
    others = sorted({path.relative_to(folder).as_posix() for path in found} - ours)
    if others:
        raise InputError(
            f"{folder}: contains {len(others)} files that are not of a sample, the first "
            f"{others[0]!r}; choose another folder, or move them away"
        )


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
