"""RFM: equal customers score alike, better ones never lower, every combination has one name."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from cvm_analysis.errors import ConfigError, InputError
from cvm_analysis.minimum_data import Note
from cvm_analysis.segments import classes, rfm, rfm_names
from cvm_analysis.segments.rfm import Rfm
from cvm_analysis.texts import languages, words

ROOT = Path(__file__).parent.parent
SHIPPED = {
    "champions": {"r": 5, "f": "4-5"},
    "loyal": {"r": "3-4", "f": "4-5"},
    "potential_loyalist": {"r": "4-5", "f": "2-3"},
    "new": {"r": 5, "f": 1},
    "promising": {"r": 4, "f": 1},
    "need_attention": {"r": 3, "f": 3},
    "about_to_sleep": {"r": 3, "f": "1-2"},
    "cant_lose": {"r": "1-2", "f": 5},
    "at_risk": {"r": "1-2", "f": "3-4"},
    "hibernating": {"r": 2, "f": "1-2"},
    "lost": {"r": 1, "f": "1-2"},
}


def customers(days, orders, spend):
    ids = pd.Index([f"c{i}" for i in range(len(days))], name="customer_id")
    table = {"days_since_last": days, "n_orders": orders, "net_sales": spend}
    found = pd.DataFrame(table, index=ids)
    return found.assign(net_sales_per_order=found["net_sales"] / found["n_orders"])


rows = st.lists(
    st.tuples(st.integers(0, 9), st.integers(1, 4), st.integers(-3, 9)), min_size=1, max_size=40
)
bins_of = st.integers(2, 10)
rules_of = st.sampled_from(["share_worse", "quantile_plus_one"])
money_of = st.sampled_from(["total", "mean"])


def scored(table, bins, rule, monetary):
    cuts = rfm.cut_points(table, bins, rule, monetary)
    return rfm.score(table, bins, cuts, monetary)


@settings(max_examples=40, deadline=None)
@given(rows, bins_of, rules_of, money_of, st.randoms())
def test_permuting_rows_and_renaming_ids_changes_no_score(values, bins, rule, monetary, random):
    table = customers(*zip(*values, strict=True))
    shuffled = list(range(len(values)))
    random.shuffle(shuffled)
    moved = table.iloc[shuffled]
    renamed = moved.set_axis([f"z{i}" for i in range(len(moved))])
    found = scored(moved, bins, rule, monetary)
    expected = scored(table, bins, rule, monetary).loc[moved.index]
    pd.testing.assert_frame_equal(found, expected)
    assert (scored(renamed, bins, rule, monetary).to_numpy() == found.to_numpy()).all()


@settings(max_examples=40, deadline=None)
@given(rows, bins_of, rules_of, money_of)
def test_a_better_customer_never_scores_lower_and_an_equal_one_the_same(
    values, bins, rule, monetary
):
    table = customers(*zip(*values, strict=True))
    found = scored(table, bins, rule, monetary)
    for letter, better in rfm.measures(table, monetary).items():
        by_value = found[letter].groupby(better)
        assert (by_value.nunique() == 1).all()
        assert by_value.first().is_monotonic_increasing
        assert found[letter].between(1, bins).all()


@settings(max_examples=40, deadline=None)
@given(rows, bins_of, money_of)
def test_scores_are_one_plus_floor_of_bins_times_share_strictly_worse(values, bins, monetary):
    table = customers(*zip(*values, strict=True))
    better = rfm.measures(table, monetary)
    n = len(better)
    slow = {
        c: [1 + bins * sum(other < value for other in better[c]) // n for value in better[c]]
        for c in better
    }
    latest = better["r"].max()  # only the most recent have the best score, however many they are
    slow["r"] = [bins if r == latest else s for r, s in zip(better["r"], slow["r"], strict=True)]
    assert rfm.score(table, bins, monetary=monetary).to_dict("list") == slow


@pytest.mark.parametrize("bins", range(2, 11))
def test_one_time_buyers_score_one_however_many_they_are(bins):
    table = customers([1] * 100, [1] * 95 + [2] * 5, [10] * 100)
    found = rfm.score(table, bins)["f"]
    assert set(found[:95]) == {1}
    assert set(found[95:]) == {1 + bins * 95 // 100}


def test_a_mean_order_and_the_total_are_different_measures():
    table = customers([1, 1], [10, 1], [100.0, 50.0])
    assert list(rfm.measures(table)["m"]) == [100, 50]
    assert list(rfm.measures(table, "mean")["m"]) == [10, 50]


def test_a_region_is_measured_by_the_cut_points_of_the_company():
    company = customers(range(100), [1] * 50 + list(range(2, 52)), range(100))
    region = company.iloc[60:]
    cuts = rfm.cut_points(company)
    pd.testing.assert_frame_equal(
        rfm.score(region, cuts=cuts), rfm.score(company).loc[region.index]
    )


# Scores that nobody gets


def test_scores_that_ties_make_impossible_are_shown_and_noted():
    table = customers([1] * 100, [1] * 95 + [2] * 5, [10] * 100)
    cuts = rfm.cut_points(table)
    found = rfm.score(table, cuts=cuts)
    assert rfm.empty_bins(found) == {"r": [1, 2, 3, 4], "f": [2, 3, 4], "m": [2, 3, 4, 5]}
    shown = rfm.score_ranges(found, cuts)
    assert shown["n_f"].to_dict() == {1: 95, 2: 0, 3: 0, 4: 0, 5: 5}
    np.testing.assert_array_equal(shown["f"], [np.nan, np.nan, np.nan, np.nan, 2])
    assert shown["r"].dropna().to_dict() == {5: 1}
    assert shown["n_r"].to_dict() == {1: 0, 2: 0, 3: 0, 4: 0, 5: 100}
    assert rfm.notes(found.iloc[:0]) == []
    assert rfm.notes(found) == [
        Note("segments", "empty_recency_scores", 4.0),
        Note("segments", "empty_frequency_scores", 3.0),
        Note("segments", "empty_monetary_scores", 4.0),
    ]


def test_a_score_that_others_could_get_keeps_its_limit():
    company = customers(range(100), range(1, 101), range(100))
    region = company.iloc[:10]
    cuts = rfm.cut_points(company)
    shown = rfm.score_ranges(rfm.score(region, cuts=cuts), cuts)
    assert list(shown["f"])[1:] == [21, 41, 61, 81]
    assert list(shown["r"])[1:] == [79, 59, 39, 19]
    assert shown["n_f"].to_dict() == {1: 10, 2: 0, 3: 0, 4: 0, 5: 0}
    assert shown["n_r"].to_dict() == {1: 0, 2: 0, 3: 0, 4: 0, 5: 10}


@settings(max_examples=50, deadline=None)
@given(rows, bins_of, rules_of)
def test_no_customer_is_lost_among_the_scores(values, bins, rule):
    table = customers(*zip(*values, strict=True))
    cuts = rfm.cut_points(table, bins, rule)
    found = rfm.score(table, bins, cuts)
    shown = rfm.score_ranges(found, cuts)
    assert (shown[["n_r", "n_f", "n_m"]].sum() == len(table)).all()
    empty = {c: [s for s, n in shown[f"n_{c}"].items() if not n] for c in rfm.LETTERS}
    assert rfm.empty_bins(found, bins) == {c: s for c, s in empty.items() if s}


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("code", [*rfm.EMPTY_SCORES.values(), "unused_names", "names_replaced"])
def test_every_note_can_be_read(language, code):
    assert "3" in words(language)(f"notes.{code}", have="3", need="-")


def test_the_most_recent_have_the_best_score_although_most_customers_are_among_them():
    """As in files that date every sale on the first of its month: 62% bought in the last month."""
    table = customers([0] * 62 + [31] * 20 + [59] * 18, [1, 2] * 50, range(100))
    found = rfm.score(table)
    assert found.groupby(table["days_since_last"])["r"].unique().map(list).to_dict() == {
        0: [5],
        31: [1],
        59: [1],
    }
    cuts = rfm.cut_points(table)
    assert rfm.score_ranges(found, cuts)["r"].dropna().to_dict() == {5: 0}
    region = rfm.score(table.iloc[70:], cuts=cuts)["r"]
    assert set(region) == {1}  # by the company's cut points, nobody of these is recent


# Cut points in the reader's units


def test_given_cut_points_are_reached_with_at_most_so_many_days_and_at_least_so_much():
    cuts = rfm.written_cut_points({"r": [90, 30], "f": [2, 5], "m": [10, 100.5]}, bins=3)
    table = customers([91, 90, 31, 30], [1, 2, 4, 5], [9.99, 10, 100.4, 100.5])
    found = rfm.score(table, 3, cuts)
    assert found["r"].tolist() == found["f"].tolist() == found["m"].tolist() == [1, 2, 2, 3]
    shown = rfm.score_ranges(found, cuts)
    assert list(shown["r"])[1:] == [90, 30]


def test_a_letter_that_is_not_given_keeps_what_was_learned():
    table = customers(range(10), range(1, 11), range(10))
    cuts = rfm.cut_points(table, 2) | rfm.written_cut_points({"f": [3]}, 2)
    assert cuts == {"r": [-4], "f": [3], "m": [5]}


@pytest.mark.parametrize(
    ("lists", "at", "says"),
    [
        ({"f": [2, 3, 4]}, "f", "f: 5 scores need 4 numbers, not 3"),
        ({"f": [2, 3, 3, 4]}, "f", "f: the numbers must rise: more is better"),
        ({"m": [20, 10, 5, 1]}, "m", "m: the numbers must rise"),
        ({"r": [30, 60, 90, 120]}, "r", "r: the numbers must fall: fewer days are better"),
        ({"q": [1, 2, 3, 4]}, "q", "'q' is no score; write r, f or m"),
        ({"m": [1, 2, 3, float("nan")]}, "m", "m: every cut point must be a finite number"),
    ],
)
def test_cut_points_that_cannot_be_used_are_errors_with_their_place(lists, at, says):
    with pytest.raises(ConfigError, match=f"rfm.cut_points: {says}"):
        rfm.written_cut_points(lists, 5)
    assert rfm.find_cut_problems(lists, 5)[0][0] == ("cut_points", at)


def test_all_wrong_cut_points_are_named_at_once():
    with pytest.raises(ConfigError, match=r"f: 5 scores.*; r: 5 scores"):
        rfm.written_cut_points({"f": [], "r": [], "m": [1, 2, 3, 4]}, 5)


def test_cut_points_that_are_written_win_over_found_ones():
    table = customers(range(10), range(1, 11), [float(n) for n in range(10)])
    own = Rfm(cut_points={"f": (2.0, 3, 4, 5)}).find_cut_points(table)
    assert own == rfm.cut_points(table) | {"f": [2, 3, 4, 5]}
    assert Rfm(cut_points="region").find_cut_points(table) == rfm.cut_points(table)


# The rule of the R package rfm 0.3.0 and the figures it prints for its own orders on 2006-12-31


@pytest.fixture(scope="module")
def published(data_set):
    log = pd.read_csv(data_set("rfm_orders"), parse_dates=["order_date"])
    by = log.groupby("customer_id")
    days = (pd.Timestamp("2006-12-31") - by["order_date"].max()).dt.days
    return pd.DataFrame(
        {"days_since_last": days, "n_orders": by.size(), "net_sales": by["revenue"].sum()}
    )


def r_scores(people):
    return rfm.score(people, 5, rfm.cut_points(people, 5, "quantile_plus_one"))


R_DAYS = [482, 297.4, 181, 115]  # fewer than these
R_CUTS = {
    "r": [1 - np.ceil(days) for days in R_DAYS],
    "f": [4, 5, 6, 8],
    "m": [255.8, 382, 506.4, 666],
}
R_CUSTOMERS = [  # days since the last order, orders, revenue, score
    ("Abbey O'Reilly", 205, 6, 472, 343),
    ("Add Senger", 140, 3, 340, 412),
    ("Aden Lesch", 194, 4, 405, 323),
    ("Admiral Senger", 132, 5, 448, 433),
    ("Agness O'Keefe", 90, 9, 843, 555),
    ("Aileen Barton", 84, 9, 763, 555),
    ("Ailene Hermann", 281, 8, 699, 355),
    ("Aiyanna Bruen", 246, 4, 157, 321),
]


def test_the_cut_points_of_r(published):
    cuts = rfm.cut_points(published, 5, "quantile_plus_one")
    assert len(published) == 995
    assert {name: list(map(float, each)) for name, each in cuts.items()} == {
        name: pytest.approx(each, abs=1e-9) for name, each in R_CUTS.items()
    }
    for who, *printed in R_CUSTOMERS:
        assert published.loc[who].tolist() == printed[:3]


@pytest.mark.parametrize(("who", "days", "orders", "spend", "score"), R_CUSTOMERS)
def test_the_scores_of_customers_that_r_prints(who, days, orders, spend, score):
    values = {"days_since_last": days, "n_orders": orders, "net_sales": spend}
    r, f, m = rfm.score(pd.DataFrame(values, [who]), 5, R_CUTS).loc[who]
    assert 100 * r + 10 * f + m == score


R_NAMES = {
    "champions": ("4-5", "4-5"),
    "loyal": ("2-5", "3-5"),
    "potential_loyalist": ("3-5", "1-3"),
    "new": ("4-5", "1"),
    "promising": ("3-4", "1"),
    "need_attention": ("2-3", "2-3"),
    "about_to_sleep": ("2-3", "1-2"),
    "at_risk": ("1-2", "2-5"),
    "cant_lose": ("1", "4-5"),
    "lost": ("1-2", "1-2"),
}
R_RULES = {name: {"r": r, "f": fm, "m": fm} for name, (r, fm) in R_NAMES.items()} | {"others": {}}
R = Rfm(R_RULES, matching="first")


def test_the_segments_of_r_where_the_first_rule_that_fits_counts(published):
    named = rfm.name(r_scores(published), published, R)
    assert named.value_counts().to_dict() == {
        "champions": 158,
        "loyal": 278,
        "potential_loyalist": 229,
        "lost": 111,
        "at_risk": 86,
        "about_to_sleep": 50,
        "others": 48,
        "need_attention": 35,
    }
    champions = published[named == "champions"]
    assert champions["n_orders"].sum() == 1234
    assert champions["net_sales"].sum() == 120_178


def test_the_means_of_the_heat_map_of_r(published):
    found = r_scores(published)
    means = published.groupby([found["r"], found["f"]])["net_sales"].mean()
    assert len(means) == 25
    assert round(means.sum()) == 12_634


def test_names_that_come_too_late_in_the_rules_of_r_are_said():
    assert rfm_names.unused(R.segments, 5, None) == ["new", "promising", "cant_lose"]
    assert rfm.name_notes(R) == [Note("segments", "unused_names", 3.0)]


# Names


def test_customers_who_never_bought_are_prospects():
    table = customers([5, None], [2, 0], [10.0, 0.0])
    named = rfm.name(rfm.score(table), table, Rfm(SHIPPED))
    assert named["c1"] == "prospect"
    assert named["c0"] == "new"  # nobody bought later


def slow_name(combination, rules):
    for name, rule in rules.items():
        bounds = [str(rule.get(c, "1-99")).split("-") for c in rfm.LETTERS]
        if all(int(b[0]) <= s <= int(b[-1]) for s, b in zip(combination, bounds, strict=True)):
            return name
    return None


@pytest.mark.parametrize("rules", [SHIPPED, R_RULES], ids=["exactly_one", "first"])
def test_every_combination_gets_the_name_of_the_first_rule_that_fits(rules):
    matching = "exactly_one" if rules is SHIPPED else "first"
    every = np.array(np.meshgrid(*[range(1, 6)] * 3)).reshape(3, -1).T
    table = pd.DataFrame(every, columns=list(rfm.LETTERS))
    named = rfm.name(table, table, Rfm(rules, matching=matching))
    assert list(named) == [slow_name(combination, rules) for combination in every]


span = st.tuples(st.integers(1, 5), st.integers(1, 5)).map(lambda s: f"{min(s)}-{max(s)}")
rule = st.dictionaries(st.sampled_from(rfm.LETTERS), span)


@settings(max_examples=60, deadline=None)
@given(st.lists(rule, max_size=6))
def test_the_proof_counts_every_hole_and_every_overlap(drawn):
    rules = {f"s{i}": each for i, each in enumerate(drawn)}
    every = np.array(np.meshgrid(*[range(1, 6)] * 3)).reshape(3, -1).T
    counts = [sum(slow_name(c, {"x": each}) == "x" for each in rules.values()) for c in every]
    holes, overlaps = sum(n == 0 for n in counts), sum(n > 1 for n in counts)
    said = [text for _, text in Rfm(rules).find_problems()]
    counted = {"no": 0, "more than one": 0}
    for text in said:
        n, _, what = text.partition(" of 125 combinations of scores have ")
        counted[what.partition(" name,")[0]] += int(n)
    assert counted == {"no": holes, "more than one": overlaps}
    first = Rfm(rules, matching="first").find_problems()
    assert len(first) == (holes > 0)
    if not holes:
        rfm.check_rules(Rfm(rules, matching="first"))


def test_the_shipped_names_cover_every_combination_once():
    assert Rfm(SHIPPED).find_problems() == rfm.name_notes(Rfm(SHIPPED)) == []


@settings(max_examples=60, deadline=None)
@given(rows, bins_of)
def test_names_written_for_five_scores_serve_any_number_of_them(values, bins):
    table = customers(*zip(*values, strict=True))
    named = rfm.name(rfm.score(table, bins), table, Rfm(SHIPPED, bins, written_for=5))
    assert set(named) <= set(SHIPPED)


@pytest.mark.parametrize("bins", range(2, 11))
@pytest.mark.parametrize("written_for", range(2, 11))
def test_the_worst_score_is_read_as_the_worst_and_the_best_as_the_best(bins, written_for):
    rules = {f"r{s}": {"r": s} for s in range(1, written_for + 1)}
    table = pd.DataFrame({c: range(1, bins + 1) for c in rfm.LETTERS})
    asked = Rfm(rules, bins, written_for=written_for)
    read = [int(n[1:]) for n in rfm.name(table, table, asked)]
    assert read[0] == 1 and read[-1] == written_for
    assert read == sorted(read)
    if bins == written_for:
        assert read == list(range(1, bins + 1))
    exact = [1 + (s * (written_for - 1)) / (bins - 1) for s in range(bins)]
    assert max(abs(a - b) for a, b in zip(read, exact, strict=True)) <= 0.5
    missing = set(rules) - {f"r{s}" for s in read}
    assert set(rfm_names.unused(asked.segments, bins, written_for)) == missing


def test_names_unused_with_fewer_scores_are_noted():
    found = {bins: rfm_names.unused(Rfm(SHIPPED).segments, bins, 5) for bins in range(2, 11)}
    assert set(SHIPPED) - set(found[2]) == {"champions", "new", "cant_lose", "lost"}
    assert found[3] == ["promising", "hibernating"]
    assert found[4] == ["need_attention", "about_to_sleep"]
    assert not any(found[bins] for bins in range(5, 11))


@pytest.mark.parametrize(
    ("rules", "at", "says"),
    [
        (
            {"a": {"r": "1-4"}},
            (),
            r"25 of 125 combinations of scores have no name, the first r5 f1 m1 \(a fit two",
        ),
        (
            {"a": {"r": "1-5"}, "b": {"r": 5, "f": 2}},
            ("b",),
            r"5 of 125.*more than one name, the first r5 f2 m1 \(a and b\)",
        ),
        ({"a": {"r": "1-6"}}, ("a", "r"), "a: '1-6' is outside the scores 1 to 5"),
        ({"a": {"f": "5-4"}}, ("a", "f"), "a: '5-4' is outside the scores 1 to 5"),
        ({"a": {"f": 0}}, ("a", "f"), "a: '0' is outside the scores 1 to 5"),
        ({}, (), "125 of 125 combinations of scores have no name, the first r1 f1 m1"),
    ],
)
def test_rules_that_cannot_be_used_are_errors_with_their_place(rules, at, says):
    with pytest.raises(ConfigError, match=f"rfm.segments: {says}"):
        rfm.check_rules(Rfm(rules))
    assert Rfm(rules).find_problems()[0][0] == ("segments", *at)


def test_all_wrong_rules_are_named_at_once():
    with pytest.raises(ValidationError, match=r"(?s)a.r.*this is no score.*b.q"):
        Rfm({"a": {"r": "x"}, "b": {"q": 6}})
    with pytest.raises(ConfigError, match=r"a: '9' is outside.*; b: '6' is outside"):
        rfm.check_rules(Rfm({"a": {"r": 9}, "b": {"f": 6}}))


def test_each_pair_of_rules_that_overlap_is_its_own_problem():
    found = Rfm({"a": {}, "b": {"r": 1}, "c": {"r": 2}}).find_problems()
    assert [keys for keys, _ in found] == [("segments", "b"), ("segments", "c")]


def test_a_hole_is_an_error_even_where_the_first_rule_counts():
    rules = {"a": {"r": "1-4"}, "b": {"r": "2-4"}}
    with pytest.raises(ConfigError, match="25 of 125 combinations of scores have no name"):
        rfm.check_rules(Rfm(rules, matching="first"))
    rfm.check_rules(Rfm(rules | {"others": {}}, matching="first"))


# Few or odd customers


def test_no_customers():
    nobody = customers([], [], [])
    cuts = rfm.cut_points(nobody)
    found = rfm.score(nobody, cuts=cuts)
    assert found.shape == (0, 3) and all(map(pd.api.types.is_integer_dtype, found.dtypes))
    assert rfm.name(found, nobody, Rfm(SHIPPED)).empty
    assert np.isnan(rfm.cut_points(nobody, rule="quantile_plus_one")["r"]).all()
    assert rfm.score_ranges(found, cuts)["n_r"].sum() == 0


def test_only_prospects():
    table = customers([None, None], [0, 0], [0.0, -5.0])
    found = rfm.score(table)
    assert found.empty
    assert list(rfm.name(found, table, Rfm(SHIPPED))) == ["prospect"] * 2


@pytest.mark.parametrize("n", [1, 30])
def test_one_customer_or_many_alike_get_the_lowest_score_and_are_the_most_recent(n):
    table = customers([3] * n, [2] * n, [10.0] * n)
    assert rfm.score(table).drop_duplicates().to_numpy().tolist() == [[5, 1, 1]]
    assert set(rfm.name(rfm.score(table), table, Rfm(SHIPPED))) == {"new"}


def test_a_constant_measure_leaves_the_others_as_they_are():
    varied = customers(range(10), [2] * 10, range(10))
    found = rfm.score(varied)
    assert set(found["f"]) == {1}
    assert list(found["m"]) == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5] == list(found["r"])[::-1]


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), -float("inf")])
def test_an_empty_or_infinite_measure_of_a_buyer_is_an_error(odd):
    with pytest.raises(InputError, match="net_sales: 1 of 3 customers"):
        rfm.score(customers([1, 2, 3], [1, 1, 1], [1.0, odd, 3.0]))
    with pytest.raises(InputError, match="days_since_last: 1 of 3 customers"):
        rfm.score(customers([1, odd, 3], [1, 1, 1], [1.0, 2.0, 3.0]))
    with pytest.raises(InputError, match="n_orders: 1 of 3 customers"):
        rfm.score(customers([1, 2, 3], [1, odd, 1], [1.0, 2.0, 3.0]))


# Names and activity

BY_ACTIVITY = {
    "frequent": {"f": 3, "overdue": "at_risk", "lapsed": "gone"},
    "at_risk": {"f": 2, "active": "frequent", "lapsed": "gone"},
    "gone": {"f": 1},
}


def activities(*codes):
    return pd.Series(codes, [f"c{i}" for i in range(len(codes))])


def test_a_name_is_replaced_where_activity_contradicts_it():
    states = activities("active", "overdue", "lapsed", "active", "overdue", "lapsed", None)
    named = pd.Series(["frequent"] * 3 + ["at_risk"] * 3 + ["at_risk"], states.index, name="rfm")
    rules = Rfm(BY_ACTIVITY, bins=3)
    found = rfm.check_activity(named, states.iloc[::-1], rules)
    assert found.tolist() == [
        "frequent",
        "at_risk",
        "gone",
        "frequent",
        "at_risk",
        "gone",
        "at_risk",
    ]
    assert found.name == "rfm"
    shown = rfm.names_replaced(named, states, rules)
    assert shown.to_numpy().tolist() == [
        ["frequent", "overdue", "at_risk", 1],
        ["frequent", "lapsed", "gone", 1],
        ["at_risk", "active", "frequent", 1],
        ["at_risk", "lapsed", "gone", 1],
    ]
    assert rfm.name_notes(rules, shown) == [Note("segments", "names_replaced", 4.0)]
    assert rfm.name_notes(rules, shown.assign(n_customers=0)) == []


def test_names_without_rules_of_activity_stay():
    states = activities("lapsed", "active")
    named = pd.Series(["lost", "champions"], states.index)
    assert rfm.check_activity(named, states, Rfm(SHIPPED)).equals(named)
    assert rfm.names_replaced(named, states, Rfm(SHIPPED)).empty


@pytest.mark.parametrize(
    ("instead", "says"),
    [
        ("lots", "frequent: lapsed: no segment 'lots'"),
        ("at_risk", "lapsed customers of at_risk are called gone; write that"),
    ],
)
def test_a_name_instead_must_be_one_that_is_right(instead, says):
    rules = BY_ACTIVITY | {"frequent": {"f": 3, "lapsed": instead}}
    ((at, problem),) = Rfm(rules, bins=3).find_problems()
    assert at == ("segments", "frequent", "lapsed")
    assert says in problem


def test_a_name_that_only_activity_gives_is_used():
    rules = {"any": {}, "gone": {"r": 1}}
    assert rfm_names.unused(Rfm(rules).segments, 5, None) == ["gone"]
    assert rfm_names.unused(Rfm(rules | {"any": {"lapsed": "gone"}}).segments, 5, None) == []


@pytest.fixture(scope="module")
def shipped():
    file = yaml.safe_load((ROOT / "config" / "segments.yaml").read_text("utf-8"))
    return Rfm(**file["rfm"])


@pytest.mark.parametrize("scores", [*np.ndindex(5, 5, 5)])
def test_no_shipped_name_contradicts_activity(shipped, scores):
    table = pd.DataFrame(
        [[s + 1 for s in scores]] * 3, activities("active", "overdue", "lapsed").index
    )
    table.columns = list(rfm.LETTERS)
    states = activities("active", "overdue", "lapsed")
    active, overdue, lapsed = rfm.check_activity(rfm.name(table, table, shipped), states, shipped)
    assert active not in ("at_risk", "cant_lose", "about_to_sleep", "hibernating", "lost")
    assert overdue not in ("loyal", "lost")
    assert lapsed not in ("loyal", "at_risk", "cant_lose")


def test_monthly_dates_make_nobody_of_the_last_month_lost_or_sleeping(shipped):
    """Sales dated on the first of their month; the usual gap is one month."""
    last = [0] * 62 + [31] * 20 + [59] * 10 + [365] * 8
    table = customers(last, [1, 2, 3, 6] * 25, range(100))
    gaps = pd.DataFrame({"gap_median_days": 31.0, "gap_last_days": 31.0}, table.index)
    table = table.join(gaps).assign(x=table["n_orders"] - 1, T=90.0)
    named = rfm.name(rfm.score(table), table, shipped)
    named = rfm.check_activity(named, classes.activity(table, 31.0), shipped)
    false = {"lost", "hibernating", "about_to_sleep", "at_risk", "cant_lose"}
    assert not false & set(named[table["days_since_last"] <= 59])
    assert set(named[table["days_since_last"] == 0]) <= {"champions", "potential_loyalist", "new"}
    assert set(named[table["days_since_last"] == 365]) == {"lost", "hibernating"}
