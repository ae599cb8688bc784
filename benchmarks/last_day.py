"""How often a complete last day counts as incomplete, and how often a cut one is found.

Run: python benchmarks/last_day.py, after `cvm prepare config/sample.yaml`. Each day of a log is
taken as its last. Every seventh is also cut: a third of its buyers, the last of them at 9 o'clock
where the log has times.
"""

import forecasts
import pandas as pd

from cvm_analysis import prepared
from cvm_analysis.intake import last_day
from cvm_analysis.settings import load

FIRST, STEP, LEFT, HOUR = 60, 7, 3, 9.0  # days; the share left is 1 / LEFT


def main() -> None:
    """Print a line per log."""
    for name, log in logs().items():
        days = count_buyers(log[log["amount"] > 0])
        until = [days.iloc[: n + 1] for n in range(len(days))]
        taken = [f"{day.index[-1]:%F}" for day in until if last_day.find_incomplete(day)]
        found = [bool(last_day.find_incomplete(cut(day))) for day in until[FIRST::STEP]]
        print(f"{name}: {len(days):,} days; incomplete: {', '.join(taken) or 'none'};", end=" ")
        print(f"cut days found: {sum(found) / len(found):.0%} of {len(found)}")


def logs() -> dict[str, pd.DataFrame]:
    """Purchases of each log: customer_id, day (with its time), amount."""
    sales = prepared.open(load("config/sample.yaml"), "all").to_pandas("transactions")
    read = (forecasts.read_online_retail, forecasts.read_full_cdnow, forecasts.read_apparel)
    names = ("UCI Online Retail", "CDNOW", "apparel")
    others = {name: log() for name, log in zip(names, read, strict=True)}
    return {"invented company": sales.rename(columns={"ordered_at": "day"}), **others}


def count_buyers(log: pd.DataFrame) -> pd.DataFrame:
    """One row per day with a purchase, as `last_day.find_incomplete` takes it."""
    hour = (log["day"] - log["day"].dt.normalize()).dt.total_seconds() / 3600
    by_day = log.assign(hour=hour).groupby(log["day"].dt.normalize())
    return by_day.agg(n_buyers=("customer_id", "nunique"), last_hour=("hour", "max"))


def cut(days: pd.DataFrame) -> pd.DataFrame:
    """The same days, the last of them cut."""
    n, hour = days.iloc[-1]
    last = {"n_buyers": [n // LEFT], "last_hour": [HOUR if hour > 0 else 0.0]}
    return pd.concat([days.iloc[:-1], pd.DataFrame(last, days.index[-1:])])


if __name__ == "__main__":
    main()
