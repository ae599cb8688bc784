"""Do the figures of surveys and complaints hold what was planted?

Each part draws small samples with a known truth, one per seed, and counts how often it is found.

    python benchmarks/experience.py [drivers|scores|complaints] [seeds]
"""

import datetime as dt
import sys

import numpy as np
import pandas as pd

from cvm_analysis.experience import after_complaints, answers, drivers, nonresponse, surveys

AS_OF, FIRST = dt.date(2025, 12, 31), dt.date(2025, 1, 1)
DIMENSIONS = ["product", "decoy", "pre_sale", "in_sale", "price"]  # only product acts
NAMES = ("change", "rest")  # comparisons of table `survey_scores`
CORRELATION = {"decoy": 0.6, "pre_sale": 0.3, "in_sale": 0.3, "price": 0.0}  # with product


def driver_rows(seed: int, n: int = 600, n_landmarks: int = 4, effect: float = 0.5) -> drivers.Rows:
    """Customers at several landmarks; one true driver, whose scores are rounded and often missing.

    Purchases depend on what the customer feels about the product, on pace and on recency; pace
    itself goes along with it. One score in five is missing.
    """
    rng = np.random.default_rng(seed)
    feels = pd.DataFrame({"product": rng.normal(size=n)})
    for name, r in CORRELATION.items():
        feels[name] = r * feels["product"] + np.sqrt(1 - r**2) * rng.normal(size=n)
    feels = pd.concat([feels[DIMENSIONS]] * n_landmarks, ignore_index=True)
    scores = np.clip(np.rint(3.8 + 0.9 * feels), 1, 5)
    scores = scores.mask(rng.random(scores.shape) < 0.2)
    loyalty = np.tile(rng.normal(size=n), n_landmarks)
    controls = pd.DataFrame(rng.normal(size=(len(scores), 3)), columns=drivers.CONTROLS)
    controls["pace"] += 0.4 * feels["product"] + loyalty
    logit = effect * feels["product"] + 0.5 * controls["pace"] - 0.5 * controls["recency"] - 0.3
    purchase = (rng.random(len(scores)) < 1 / (1 + np.exp(-logit))).astype(float)
    given = scores.notna().any(axis=1)
    rows = drivers.Rows(
        pd.Series(np.tile(np.arange(n), n_landmarks)).astype(str),
        pd.Series(np.repeat([FIRST + dt.timedelta(days=90 * k) for k in range(n_landmarks)], n)),
        scores, controls, pd.Series(purchase),
        pd.Series(purchase * rng.lognormal(5 + 0.2 * controls["value"], 0.8)),
    )  # fmt: skip
    return drivers.Rows(*(each[given].reset_index(drop=True) for each in rows))


def rank_drivers(seeds: int) -> None:
    """In how many samples is the true driver first, and the correlated dimension?"""
    for n in (300, 600):
        tables = [drivers.rank(driver_rows(seed, n), seed) for seed in range(seeds)]
        for outcome in drivers.OUTCOMES:
            own = [table[table["outcome_name"] == outcome] for table in tables]
            first = pd.concat(each[each["rank"] == 1] for each in own)
            decoy = pd.concat(each[each["dimension"] == "decoy"] for each in own)
            others = pd.concat(each[each["dimension"] != "product"] for each in own)
            sure, is_true = first["p_first"] >= 0.8, first["dimension"] == "product"
            print(
                f"{n} customers, {outcome}, of {seeds}: true driver first {is_true.sum()}, "
                f"correlated one first {(first['dimension'] == 'decoy').sum()}, its interval holds "
                f"0 {((decoy['low'] < 0) & (decoy['high'] > 0)).sum()}; p_first of 0.8 or more "
                f"{sure.sum()}, right {(sure & is_true).sum()}; other dimensions with q below 0.05 "
                f"{(others['q_value'] < 0.05).mean():.3f}"
            )


def survey_rows(seed: int, n: int, region_effect: float) -> pd.DataFrame:
    """Answers of two quarters: customers answer up to four times, and differ in their opinion."""
    rng = np.random.default_rng(seed)
    opinion, times = rng.normal(size=n), rng.integers(1, 5, n)
    who = np.repeat(np.arange(n), times)
    region = np.array(list("abcde"))[rng.integers(0, 5, n)]
    felt = opinion[who] + 0.7 * rng.normal(size=len(who)) + region_effect * (region[who] == "e")
    days = pd.Timestamp(AS_OF) - pd.to_timedelta(rng.integers(0, 182, len(who)), unit="D")
    base = pd.DataFrame({"customer_id": who.astype(str), "at": days, "region": region[who]})
    nps = base.assign(dimension="nps", score=np.clip(np.rint(7.6 + 1.8 * felt), 0, 10))
    csat = base.assign(dimension="price", score=np.clip(np.rint(3.9 + 0.8 * felt), 1, 5))
    return answers.add_period(pd.concat([nps, csat], ignore_index=True), AS_OF, 91, FIRST)


def cover_scores(seeds: int) -> None:
    """How often do intervals hold the truth, and how often is a change or a group found in vain?"""
    truth = surveys.scores(survey_rows(10**6, 200_000, 0.0), 91, [], None)
    truth = truth.groupby("dimension")["score"].mean()
    for n in (30, 100, 400):
        now = [_last_period(survey_rows(seed, n, 0.0)) for seed in range(seeds)]
        for dimension in ("nps", "price"):
            all_rows = pd.concat(t[t["group"] == "all"] for t in now)
            rows = all_rows[(all_rows["dimension"] == dimension) & all_rows["change_low"].notna()]
            held = rows["low"].le(truth[dimension]) & rows["high"].ge(truth[dimension])
            unchanged = rows["change_low"].le(0) & rows["change_high"].ge(0)
            print(
                f"{n} customers, {dimension}: interval holds the truth {held.mean():.3f}, that of "
                f"the change holds 0 {unchanged.mean():.3f}"
            )
        found = {name: np.mean([(t[f"{name}_q"] < 0.05).any() for t in now]) for name in NAMES}
        print(
            f"{n} customers, nothing planted: samples with a change {found['change']:.3f}, with a "
            f"region that stands out {found['rest']:.3f}"
        )
    planted = [_last_period(survey_rows(seed, 400, 0.6)) for seed in range(seeds)]
    better = pd.concat(t[t["level"] == "e"] for t in planted)
    print(f"400 customers, one region better: found {(better['rest_q'] < 0.05).mean():.3f}")


def _last_period(rows: pd.DataFrame) -> pd.DataFrame:
    table = surveys.scores(rows, 91, ["region"], None)
    return table[table["until"] == pd.Timestamp(AS_OF)]


def cover_weighted(seeds: int) -> None:
    """Poor customers answer rarely and are less content: what do weights bring back?"""
    errors = []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        rich = rng.random(3000) < 0.3
        answered = rng.random(3000) < np.where(rich, 0.3, 0.06)
        score = np.clip(np.rint(rng.normal(np.where(rich, 4.4, 3.4), 0.9)), 1, 5)
        asked = pd.DataFrame(
            {"customer_id": np.arange(3000).astype(str), "until": pd.Timestamp(AS_OF),
             "answered": answered, "segment": "s", "value": np.where(rich, "high", "low")}
        )  # fmt: skip
        asked["weight"] = nonresponse.weights(asked, ["segment", "value"])
        given = asked[answered].assign(dimension="price", score=score[answered])
        row = surveys.scores(given, 91, [], asked).iloc[0]
        errors.append(
            {"weighted": row["score"] - score.mean(),
             "unweighted": row["unweighted"] - score.mean(),
             "held": row["period_low"] <= score.mean() <= row["period_high"]}
        )  # fmt: skip
    table = pd.DataFrame(errors)
    print(
        f"3,000 asked: mean error unweighted {table['unweighted'].mean():+.3f}, weighted "
        f"{table['weighted'].mean():+.3f}; interval of the period holds the mean of all asked in "
        f"{table['held'].mean():.3f}"
    )


def shop(seed: int, n: int, leaves: float) -> tuple[pd.DataFrame, pd.DataFrame, float]:
    """Two years of purchases, complaints about 4 % of orders, and the share who leave for them.

    Who buys more often complains more often, and leaves later, without any complaint.
    """
    rng = np.random.default_rng(seed)
    lines, cases = [], []
    for i in range(n):
        day, gap, size = rng.integers(0, 365), rng.choice([25, 60, 140]), rng.lognormal(4, 0.7)
        quits = 0.02 if gap == 25 else 0.08
        while day < 730:
            lines.append((f"c{i}", day, size, 1))
            if rng.random() < 0.04:
                cases.append((f"c{i}", day + rng.integers(1, 20)))
                if rng.random() < leaves:
                    break
            if rng.random() < quits:
                break
            day += 1 + rng.exponential(gap)
    table = pd.DataFrame(lines, columns=["customer_id", "day", "amount", "purchases"])
    start = pd.Timestamp("2024-01-01")
    table["day"] = start + pd.to_timedelta(table["day"].astype(int), unit="D")
    found = pd.DataFrame(cases, columns=["customer_id", "at"])
    found["at"] = start + pd.to_timedelta(found["at"].astype(int), unit="D")
    return table, found.sort_values("at", ignore_index=True), leaves


def cover_complaints(seeds: int) -> None:
    """Does the difference after complaints hold what they do, here and where they do nothing?"""
    for leaves in (0.0, 0.3):
        rows = []
        for seed in range(seeds):
            lines, cases, _leaves = shop(seed, 800, leaves)
            found = after_complaints.compare(cases, lines, AS_OF, 180, [], seed=seed).iloc[0]
            true = leaves * (1 - found["left_share_others"])
            plain = found["left_share"] - _plain_left(lines)
            held = found["low"] <= true <= found["high"]
            rows.append(
                {"difference": found["left_difference"], "true": true, "held": held, "plain": plain}
            )
        table = pd.DataFrame(rows)
        print(
            f"share made to leave {leaves}: difference {table['difference'].mean():.3f}, true "
            f"{table['true'].mean():.3f}, against all customers {table['plain'].mean():.3f}; "
            f"interval holds the true one in {table['held'].sum()} of {seeds}"
        )


def _plain_left(lines: pd.DataFrame) -> float:
    """Share of the customers of a day who bought nothing in the 180 days after it."""
    day = pd.Timestamp("2025-03-01")
    known = lines.loc[lines["day"] <= day, "customer_id"].unique()
    later = lines.loc[
        (lines["day"] > day) & (lines["day"] <= day + pd.Timedelta(days=180)), "customer_id"
    ].unique()
    return 1 - float(np.isin(known, later).mean())


def main(part: str, seeds: int) -> None:
    """Run one part."""
    parts = {
        "drivers": [rank_drivers],
        "scores": [cover_scores, cover_weighted],
        "complaints": [cover_complaints],
    }
    for each in parts[part]:
        each(seeds)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 100)
