"""Estimated against planted hazard ratios, and the coverage of their intervals.

    python benchmarks/churn_ratios.py contracts [seeds]   200: contracts, whose end is observed
    python benchmarks/churn_ratios.py silence [seeds]     100: buyers, whose drop-out is not

`contracts` draws the invented company's contracts anew for many seeds and fits them as notebook 06
does. The 95 % intervals should hold the planted ratios in 95 % of the seeds, give or take 2.8
standard errors.

`silence` draws buyers without a contract: purchases at individual rates (gamma) until they drop
out, at twice the hazard for one kind. The ratio is estimated from the dates of drop-out, which only
the simulation knows, and from spells of buying that a lapse ends. This part cannot fail: it shows
that the ratios of lapses are too small.
"""

from __future__ import annotations

import datetime as dt
import sys

import numpy as np
import pandas as pd

from cvm_analysis.churn import contracts, lapse
from cvm_analysis.sample import churn, retail
from cvm_analysis.sample import contracts as invented
from cvm_analysis.sample.business import AS_OF, FIRST_DAY, REGIONS
from cvm_analysis.survival import cox

SEED = 20260101
LEVEL = 0.95
THRESHOLDS = (91, 182, 364)  # days of a lapse
BUYERS, WEEKS = 2_000, 156
RATE = (2.0, 10.0)  # shape, rate of purchases per week while there: five weeks apart on average
LEAVING, RATIO = 0.01, 2.0  # hazard of dropping out per week, and what the kind multiplies it by
UNEQUAL = 1.0  # variance of what else multiplies it, in buyers who differ


def band(seeds: int) -> tuple[int, int]:
    """How many of so many intervals may hold a ratio if 95 % do."""
    reach = 2.8 * np.sqrt(seeds * LEVEL * (1 - LEVEL))
    return int(seeds * LEVEL - reach), min(seeds, int(seeds * LEVEL + reach))


def of_contracts(seeds: int) -> None:
    """Print the coverage of each planted ratio of contracts; fail outside the band."""
    people = retail.customers(12_000, SEED)
    orders = pd.concat([churn.live(people, region, SEED).orders for region in REGIONS])
    found = pd.concat(hazards(drawn(orders, seed)) for seed in range(seeds))
    low, high = band(seeds)
    print(f"contracts, {seeds} seeds: {low} to {high} intervals hold a ratio if 95 % do")
    held = {
        name: line(name, found.loc[found.index == name], ratio)
        for name, ratio in invented.HAZARD_RATIOS.items()
    }
    if not all(low <= count <= high for count in held.values()):
        raise SystemExit(f"not all between {low} and {high}: {held}")


def drawn(orders: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Contracts of one seed as the raw files would say on the last day."""
    found = invented.contracts(orders, seed)
    day = [FIRST_DAY + dt.timedelta(days=int(d)) for d in found["started"]]
    end = [FIRST_DAY + dt.timedelta(days=int(d)) for d in found["ended"]]
    known = [e if e <= AS_OF else None for e in end]
    return found.assign(started_on=pd.to_datetime(day), ended_on=pd.to_datetime(known))[
        ["customer_id", "started_on", "ended_on", *invented.HAZARD_RATIOS]
    ]


def hazards(table: pd.DataFrame) -> pd.DataFrame:
    """The hazard ratios of these contracts, as `contracts.study` has them."""
    spans, _ = contracts.durations(table, AS_OF)
    return contracts.fit(table[[*invented.HAZARD_RATIOS]], spans).hazards


def line(name: str, found: pd.DataFrame, ratio: float) -> int:
    """Print one row: mean ratio, intervals that hold it; return their count."""
    held = int(((found["low"] <= ratio) & (ratio <= found["high"])).sum())
    mean = np.exp(np.log(found["hazard_ratio"]).mean())
    print(f"{name:<40} planted {ratio:.2f}  mean {mean:.3f}  held {held} of {len(found)}")
    return held


def of_silence(seeds: int) -> None:
    """Print the estimated ratio of drop-out by each definition of the event."""
    print(f"{BUYERS:,} buyers over {WEEKS} weeks, {seeds} seeds")
    for variance in (0.0, UNEQUAL):
        found: dict[str, list[pd.Series]] = {}
        for seed in range(seeds):
            for way, hazards in ways(np.random.default_rng(seed), variance).items():
                found.setdefault(way, []).append(hazards)
        print("buyers alike but for the kind" if not variance else "buyers who differ in more")
        for way, rows in found.items():
            line(way, pd.DataFrame(rows), RATIO)


def ways(draws: np.random.Generator, variance: float) -> dict[str, pd.Series]:
    """Estimate the hazards of `kind`, by true dates and by each lapse threshold."""
    kind = pd.DataFrame({"kind": draws.integers(0, 2, BUYERS)})
    observed = draws.uniform(0, WEEKS, BUYERS)  # weeks from the first purchase to the last day
    other = draws.gamma(1 / variance, variance, BUYERS) if variance else 1.0
    stayed = draws.exponential(1 / (LEAVING * RATIO ** kind["kind"] * other))
    outcome = pd.DataFrame(
        {"duration": 7 * np.minimum(stayed, observed), "event": (stayed <= observed).astype(int)}
    )
    found = {"true dates of dropping out": cox.fit(kind, outcome).hazards.loc["kind"]}
    days = purchases(draws, np.minimum(stayed, observed), observed)
    for threshold in THRESHOLDS:
        spells = lapse.purchase_spells(days, AS_OF, threshold)
        of_spell = kind.loc[spells["customer_id"]].set_axis(spells.index)
        model = cox.fit(of_spell, spells, customers=spells["customer_id"])
        found[f"no purchase for {threshold} days, {threshold // 7} weeks"] = model.hazards.loc[
            "kind"
        ]
    return found


def purchases(draws: np.random.Generator, there: np.ndarray, observed: np.ndarray) -> pd.DataFrame:
    """Days with a purchase: customer_id, day; the first when each was first observed."""
    weekly = draws.gamma(RATE[0], 1 / RATE[1], len(there))
    who = np.repeat(np.arange(len(there)), draws.poisson(weekly * there))
    since = np.concatenate([np.zeros(len(there)), there[who] * draws.random(len(who))])
    who = np.concatenate([np.arange(len(there)), who])
    ago = np.floor(7 * (observed[who] - since)).astype("timedelta64[D]")
    return pd.DataFrame({"customer_id": who, "day": np.datetime64(AS_OF, "D") - ago})


def main(asked: list[str]) -> None:
    """Run the benchmark asked for."""
    what, *rest = asked or ["contracts"]
    part, usual = {"contracts": (of_contracts, 200), "silence": (of_silence, 100)}[what]
    part(int(rest[0]) if rest else usual)


if __name__ == "__main__":
    main(sys.argv[1:])
