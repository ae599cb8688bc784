"""Every published table and figure on purchases and value that no other test module holds.

Tables: CLVTools 0.12.1, BTYD 2.4.3 and BTYDplus 1.2.0 on CDNOW (1/10 sample, to 1997-09-30) and on
apparel (to 2006-12-31), in the folder published; each test names its own. The test modules of the
models hold the rest. GGompertz/NBD is not built: on both logs it becomes Pareto/NBD; nor is BG/BB,
of purchases at set times only.
"""

import importlib
import re
from pathlib import Path

import numpy as np
import pandas as pd
import published
import pytest
from lifetimes.datasets import load_cdnow_summary_data_with_monetary_value
from published import parameters
from purchase_logs import summarize
from scipy.stats import pearsonr, spearmanr

from cvm_analysis.clv import bg_nbd, covariates, gamma_gamma, histories, mbg_nbd, nbd, pareto_nbd

KINDS = {"pnbd": pareto_nbd.ParetoNbd, "bgnbd": bg_nbd.BgNbd, "mbgnbd": mbg_nbd.MbgNbd}
MODULES = {"pnbd": pareto_nbd, "bgnbd": bg_nbd, "mbgnbd": mbg_nbd}
PLAIN = ["pnbd", "bgnbd"]
STATIC = ["pnbd_static", "bgnbd_static"]
BOTH = ("Gender", "Channel")
HORIZON = {"cdnow": 39, "apparel": 1450 / 7}
DISCOUNT = {  # per week
    "clvdefault": np.log(1.1),
    "ann10pct": np.log(1.1) / 52,
    "cont0.1": 0.1 / 52,
}


def at(code, params):
    """A model with stated parameters."""
    params = MODULES[code].Params(*params)
    return KINDS[code](params, params, np.empty((4, 4)), 0.0, 1, True, "")


def as_given(data, code):
    """The model as CLVTools returns it, with or without covariates."""
    if not code.endswith("_static"):
        return at(code, parameters(data, code).estimate)
    plain = code.removesuffix("_static")
    values = parameters(data, f"{plain}+static(Gender,Channel)").estimate
    order = [*values.index[:4], *(f"{of}.{name}" for of in ("trans", "life") for name in BOTH)]
    wide = np.full((8, 8), np.nan)
    name = MODULES[plain].__name__.split(".")[-1]
    return covariates.WithCovariates(
        name, BOTH, BOTH, values[order].to_numpy(), wide[0], wide, 0.0, 600, True, ""
    )


def parts(model, people):
    """The model, and for covariates that of each kind of customer, with the rows it is of."""
    if not isinstance(model, covariates.WithCovariates):
        return [(model, people)]
    kinds = people.groupby(list(BOTH))
    return [(model.with_values(**dict(zip(BOTH, z, strict=True))), rows) for z, rows in kinds]


def new_purchases(model, cohorts, until):
    """Expected repeat purchases up to a day of the customers of all cohorts."""
    total = 0.0
    for one, rows in parts(model, cohorts):
        weeks = (until - rows["first"]).dt.days.clip(lower=0) / 7
        total += (one.expected_purchases_new(weeks.to_numpy()) * rows["customers"]).sum()
    return total


def close(ours, theirs, rel=1e-6):
    assert np.asarray(ours) == pytest.approx(np.asarray(theirs), rel=rel, abs=1e-290)


@pytest.fixture(scope="module")
def cohorts(cdnow):
    """How many customers came when (first) and are how old (weeks), by covariates."""
    came = cdnow.groupby(["first_order", "T"]).size().rename("customers").reset_index()
    apparel = published.read("apparel_cohort")
    return {
        "cdnow": came.rename(columns={"first_order": "first", "T": "weeks"}),
        "apparel": apparel.assign(first=pd.to_datetime(apparel["first"])),
    }


@pytest.fixture
def customers(request, data):
    """All customers of a data set; those of apparel need its log."""
    return request.getfixturevalue(data)


def points(data):
    """Customers of a data set, or points of its histories, and what the packages say of each."""
    table = published.read({"cdnow": "cdnow_customers", "apparel": "apparel_points"}[data])
    return table.assign(spend_per_repeat_day=table["spend_per_repeat_day"].where(table["x"] > 0))


def spend(data):
    """Gamma-Gamma as CLVTools returns it."""
    params = gamma_gamma.Params(*parameters(data, "gg(remove.first=TRUE)").estimate)
    nothing = gamma_gamma.Independence(0, 1, 1)
    return gamma_gamma.GammaGamma(params, params, np.eye(3), 0.0, 1, True, "", nothing)


CASES = [(data, code) for data in HORIZON for code in PLAIN] + [("apparel", one) for one in STATIC]


# Customers, one by one


def test_cdnow_customers_are_those_of_the_log(cdnow):
    """cdnow_customers.csv, cdnow_totals.csv: the inputs, and what came after."""
    theirs = points("cdnow").set_index("customer_id")
    ours = cdnow.set_axis(cdnow.index.astype(int)).loc[theirs.index]
    inputs = ["x", "t_x", "T", "spend_per_repeat_day", "holdout", "holdout_spend"]
    close(ours[inputs].fillna(0), theirs[inputs].fillna(0), 1e-12)
    sums = cdnow.groupby(cdnow["x"].clip(upper=7))[["x", "holdout", "holdout_spend"]].sum()
    close(sums, published.read("cdnow_totals")[list(sums)], 1e-12)


def test_apparel_customers_are_those_of_the_log(apparel):
    """apparel_points.csv: histories that are there; and their sums."""
    inputs = ["x", "t_x", "Gender", "Channel"]
    known, stated = (t[inputs].round(9).drop_duplicates() for t in (apparel, points("apparel")))
    assert len(stated.merge(known)) == len(stated) == 20
    assert (len(apparel), apparel["x"].sum(), (apparel["x"] == 0).sum()) == (600, 1266, 213)
    assert apparel["holdout"].sum() == 1317


@pytest.mark.parametrize(("data", "code"), CASES)
def test_customers_at_the_parameters_clvtools_returns(data, code):
    """cdnow_customers.csv and apparel_points.csv: PAlive, CET, DERT, spend and CLV."""
    table, model = points(data), as_given(data, code)
    mean_net_sales = spend(data).expected_spend(table)
    close(model.p_alive(table), table[f"{code}.PAlive"])
    close(model.expected_purchases(table, HORIZON[data]), table[f"{code}.CET"])
    close(mean_net_sales, table["expected_spend"])
    for name, rate in DISCOUNT.items():
        if f"{code}.DERT_{name}" in table:
            purchases = model.discounted_purchases(table, rate)
            close(purchases, table[f"{code}.DERT_{name}"])
            if f"{code}.CLV_{name}" in table:
                close(purchases * mean_net_sales, table[f"{code}.CLV_{name}"])


BTYD = [("btyd", "BTYD 2.4.3"), ("btydAtClvPar", "CLVTools 0")]


@pytest.mark.parametrize(("columns", "package"), BTYD)
def test_customers_as_in_btyd(columns, package):
    """cdnow_customers.csv, columns btyd.* and btydAtClvPar.* (at CLVTools' parameters)."""
    table = points("cdnow")
    for code in PLAIN:
        model = at(code, parameters("cdnow", code, package).estimate)
        close(model.p_alive(table), table[f"{columns}.{code}.PAlive"])
        close(model.expected_purchases(table, 39), table[f"{columns}.{code}.CET39"])
        if code == "pnbd":
            ours = model.discounted_purchases(table, DISCOUNT["ann10pct"])
            close(ours, table[f"{columns}.pnbd.DERT_ann10pct"])


@pytest.mark.parametrize("data", HORIZON)
def test_bg_nbd_customers_at_the_polished_parameters(data):
    """Columns polished.bgnbd.*; Pareto/NBD's are held by its own module."""
    table = points(data)
    model = at("bgnbd", parameters(data, "bgnbd", "CLVTools C++", "polished").estimate)
    close(model.p_alive(table), table["polished.bgnbd.PAlive"])
    close(model.expected_purchases(table, HORIZON[data]), table["polished.bgnbd.CET"])
    ours = [bg_nbd.log_likelihood(model.params, table.loc[[row]]) for row in table.index]
    close(ours, table["polished.bgnbd.LL"], 1e-9)
    theirs = table["polished.bgnbd.DERT_ann10pct_NUMERIC"]
    sizeable = theirs > 0.01  # integrated to an absolute tolerance
    close(model.discounted_purchases(table, DISCOUNT["ann10pct"])[sizeable], theirs[sizeable])


FITS = [("", "CLVTools 0", "default"), *((f"{columns}.", of, "default") for columns, of in BTYD)]


@pytest.mark.parametrize(
    ("columns", "package", "fit"), [*FITS, ("polished.", "CLVTools C++", "polished")]
)
def test_all_2357_customers_of_cdnow(cdnow, columns, package, fit):
    """cdnow_totals.csv: sums over the customers of x = 0, ..., 6, 7 and more repeat purchases."""
    totals, groups = published.read("cdnow_totals"), cdnow["x"].clip(upper=7)
    compared = 0
    for code in KINDS if fit == "polished" else PLAIN:
        package = "BTYDplus" if code == "mbgnbd" else package
        model = at(code, parameters("cdnow", code, package, fit).estimate)
        ours = {"PAlive": model.p_alive(cdnow), "CET": model.expected_purchases(cdnow, 39)}
        ours["CET39"] = ours["CET"]
        if code == "pnbd":
            rates = {f"DERT_{name}": rate for name, rate in DISCOUNT.items()}
            ours |= {name: model.discounted_purchases(cdnow, r) for name, r in rates.items()}
        for name, values in ours.items():
            if f"{columns}{code}.{name}" in totals:
                compared += 1
                close(values.groupby(groups).sum(), totals[f"{columns}{code}.{name}"], 1e-8)
    assert compared == {"": 7, "polished.": 9}.get(columns, 5)


# Fits


@pytest.mark.parametrize("data", HORIZON)
@pytest.mark.parametrize("code", PLAIN)
def test_fits_of_all_packages(customers, data, code):
    """parameters.csv: polished rows to 1e-4, as returned to 1e-3."""
    found = MODULES[code].fit(customers)
    close(found.params, parameters(data, code, "CLV", "polished").estimate, 1e-4)
    close(found.std_errors, parameters(data, code, "CLV", "polished").std_error, 1e-4)
    packages = ["CLVTools 0", "BTYD 2.4.3"] if data == "cdnow" else ["CLVTools 0"]
    for package in packages:
        theirs = parameters(data, code, package)
        close(found.params, theirs.estimate, 2e-3)
        assert found.log_likelihood == pytest.approx(theirs.log_likelihood, abs=1e-3)
        assert found.log_likelihood >= theirs.log_likelihood - 1e-7
        total = MODULES[code].log_likelihood(MODULES[code].Params(*theirs.estimate), customers)
        assert total == pytest.approx(theirs.log_likelihood, abs=1e-6)


def test_mbg_nbd_as_btydplus_returns_it(cdnow):
    """parameters.csv, the rows of its own optimiser; polished rows are held elsewhere."""
    theirs = parameters("cdnow", "mbgnbd", "BTYDplus")
    params = mbg_nbd.Params(*theirs.estimate)
    assert mbg_nbd.log_likelihood(params, cdnow) == pytest.approx(theirs.log_likelihood, abs=1e-6)
    close(mbg_nbd.fit(cdnow).params, params, 1e-4)


@pytest.mark.parametrize("code", PLAIN)
def test_covariances_as_in_clvtools(cdnow, code):
    """cdnow_covariances.csv: of the parameters themselves, at its own, less exact, maximum."""
    theirs = published.read("cdnow_covariances", model=code)[["c1", "c2", "c3", "c4"]].to_numpy()
    found = MODULES[code].fit(cdnow)
    params = np.array(found.params)
    ours = found.covariance_log * np.outer(params, params)
    scale = np.sqrt(np.outer(np.diag(theirs), np.diag(theirs)))
    assert ours / scale == pytest.approx(theirs / scale, abs=0.003)


@pytest.mark.parametrize(("data", "end"), [("cdnow", "1997-09-30"), ("apparel", "2006-12-31")])
def test_gamma_gamma_of_all_packages(request, customers, data, end):
    """parameters.csv, gg(...) and spend: of repeat purchases, and with the first purchase too."""
    log = request.getfixturevalue(f"{data}_log").rename(columns={"dollars": "amount"})
    log = log[log["date"] <= end]
    days = log.groupby(["customer_id", "date"])["amount"].sum()
    days = days.groupby("customer_id").agg(["size", "mean"])
    days = days[days["mean"] > 0]
    everything = pd.DataFrame({"x": days["size"], "spend_per_repeat_day": days["mean"]})
    for which, rows in (("TRUE", customers), ("FALSE", everything)):
        name, found = f"gg(remove.first={which})", gamma_gamma.fit(rows)
        theirs = parameters(data, name, "CLVTools C++", "polished")
        close(found.params, theirs.estimate, 1e-4)
        close(found.std_errors, theirs.std_error, 1e-4)
        assert found.log_likelihood == pytest.approx(theirs.log_likelihood, abs=1e-6)
        default = parameters(data, name)
        assert found.log_likelihood == pytest.approx(default.log_likelihood, abs=1e-3)
        close(found.params, default.estimate, 1e-3)
    if data == "cdnow":
        theirs = parameters(data, "spend (gamma-gamma)", "BTYD")
        close(gamma_gamma.fit(customers).params, theirs.estimate, 1e-3)


# New customers, tracking, numbers of purchases


def test_new_customers():
    """cdnow_new_customers.csv; clv_newcustomer_* count the first purchase too."""
    table = published.read("cdnow_new_customers")
    weeks = table["weeks"].to_numpy(float)
    for code in PLAIN:
        polished = at(code, parameters("cdnow", code, "CLV", "polished").estimate)
        ours = polished.expected_purchases_new(weeks)
        close(ours, table[f"{code}_expectation_polished"], 1e-9)
        default = as_given("cdnow", code).expected_purchases_new(weeks)
        close(1 + default, table[f"clv_newcustomer_{code}_default"], 1e-9)
    close(ours, table["bgnbd_clv"], 1e-9)


@pytest.mark.parametrize(("data", "code"), CASES)
def test_weekly_tracking_as_in_clvtools(cohorts, data, code):
    """tracking_clvtools.csv: expected repeat purchases, in all up to a Sunday, and of its week."""
    table = published.read("tracking_clvtools", data=data, model=code)
    model, until = as_given(data, code), pd.to_datetime(table["until"])
    ours, before = (
        np.array([new_purchases(model, cohorts[data], day - pd.Timedelta(days=d)) for day in until])
        for d in (0, 7)
    )
    close(ours, table["cum_expected"], 1e-9)
    close(ours - before, table["inc_expected"], 1e-7)


def test_weekly_actuals_as_in_clvtools(cdnow_log):
    """tracking_clvtools.csv: repeat purchase days up to each Sunday, that day included."""
    table = published.read("tracking_clvtools", data="cdnow", model="pnbd")
    table = table[table["cum_actual"].notna()]
    days = cdnow_log[["customer_id", "date"]].drop_duplicates()
    again = days[days["date"] > days.groupby("customer_id")["date"].transform("min")]["date"]
    close([(again <= day).sum() for day in pd.to_datetime(table["until"])], table["cum_actual"])


@pytest.mark.parametrize("code", PLAIN)
def test_78_weeks_as_in_btyd(cdnow, cdnow_log, code):
    """cdnow_tracking_btyd.csv; weeks 20 to 25 are printed in the BTYD walkthrough too."""
    table = published.read("cdnow_tracking_btyd")
    model = at(code, parameters("cdnow", code, "BTYD 2.4.3").estimate)
    T = cdnow["T"].to_numpy()
    came = T.max() - T
    weeks = range(1, 79)
    ours = [model.expected_purchases_new(np.maximum(week - came, 0)).sum() for week in weeks]
    close(ours, table[f"btyd_{code}_cum"], 1e-9)
    printed = {
        "pnbd": [1308.856, 1385.275, 1459.923, 1532.906, 1604.320, 1674.253],
        "bgnbd": [1312.458, 1387.346, 1460.392, 1531.713, 1601.418, 1669.6],
    }
    assert ours[19:25] == pytest.approx(printed[code], rel=5e-4)
    days = cdnow_log[["customer_id", "date"]].drop_duplicates()
    first = days.groupby("customer_id")["date"].transform("min")
    after = (days[days["date"] > first]["date"] - days["date"].min()).dt.days
    actual = [(after < 7 * week).sum() for week in weeks]
    close(actual, table["actual_cum_date_lt_start_plus_7w"])
    close([(after <= 7 * week).sum() for week in weeks], table["actual_cum_date_le_start_plus_7w"])
    assert actual[-1] == 4339


@pytest.mark.parametrize(("data", "code"), CASES)
def test_numbers_of_customers_by_purchases(cohorts, data, code):
    """purchase_counts.csv: how many customers make 0, 1, ..., 9, or more repeats."""
    table = published.read("purchase_counts", data=data, model=code)
    expected = table.set_index("num.transactions")["expected_customers"]
    model, ours = as_given(data, code), np.zeros(11)
    for weeks, rows in cohorts[data].groupby("weeks"):  # a new customer's history is empty
        p = model.purchase_probabilities(rows.assign(x=0, t_x=0.0, T=0.0), weeks, 10)
        ours += (p * rows["customers"].to_numpy()[:, None]).sum(axis=0)
    close(ours, expected[[*map(str, range(10)), "10+"]])


@pytest.mark.parametrize("data", HORIZON)
def test_customers_by_number_of_purchases_are_those_of_the_log(customers, data):
    """purchase_counts.csv: as many as were there."""
    table = published.read("purchase_counts", data=data, model="pnbd")
    actual = table.set_index("num.transactions")["actual_customers"]
    found = customers.groupby(customers["x"].clip(upper=10)).size()
    assert found.tolist() == actual[[*map(str, range(10)), "10+"]].tolist()


def test_hard_points_of_bg_nbd_and_of_btyd():
    """function_grid.csv: P(alive) and LL of both packages; the rest is held by the models."""
    for params, points in published.functions("bgnbd"):
        model = at("bgnbd", params)
        alive, expected = model.p_alive(points), model.expected_purchases(points, 39)
        assert np.isfinite(model.discounted_purchases(points, DISCOUNT["ann10pct"])).all()
        for peer in ("clv", "btyd"):
            close(alive, points[f"{peer}.PAlive"], 1e-9)
            there = points[f"{peer}.CET39"] > 0
            close(expected[there], points.loc[there, f"{peer}.CET39"], 1e-8)
            for label, total in points[f"{peer}.LL"].items():
                ours = bg_nbd.log_likelihood(model.params, points.loc[[label]])
                assert ours == pytest.approx(total, rel=1e-9)


# Holdout


@pytest.mark.parametrize(("data", "code"), CASES)
def test_holdout_of_purchases_and_spending(customers, data, code):
    """holdout_purchases.csv and holdout_spending.csv."""
    purchases, money = (
        published.read(f"holdout_{what}", data=data, model=code).iloc[0]
        for what in ("purchases", "spending")
    )
    forecast = as_given(data, code).expected_purchases(customers, HORIZON[data])
    error = forecast - customers["holdout"]
    assert customers["holdout"].sum() == purchases["actual_total"]
    close(forecast.sum(), purchases["predicted_total"])
    close(error.sum(), purchases["bias_total"])
    close(error.mean(), purchases["mean_err"])
    close(error.abs().mean(), purchases["MAE"])
    close(np.sqrt((error**2).mean()), purchases["RMSE"])
    close(pearsonr(forecast, customers["holdout"]).statistic, purchases["pearson"])
    assert spearmanr(forecast, customers["holdout"]).statistic == pytest.approx(
        purchases["spearman"], abs=1e-4
    )
    expected = forecast * spend(data).expected_spend(customers)
    error = expected - customers["holdout_spend"]
    close(expected.sum(), money["predicted_total"])
    close(customers["holdout_spend"].sum(), money["actual_total"])
    close(error.abs().mean(), money["MAE"])
    close(np.sqrt((error**2).mean()), money["RMSE"])


def test_holdout_of_cdnow_by_number_of_purchases(cdnow):
    """BTYD walkthrough: customers and what they bought in 39 weeks, x = 0, ..., 6, 7 and more."""
    groups = cdnow.groupby(cdnow["x"].clip(upper=7))["holdout"]
    assert groups.size().tolist() == [1411, 439, 214, 100, 62, 38, 29, 64]
    printed = [0.2367116, 0.6970387, 1.392523, 1.56, 2.532258, 2.947368, 3.862069, 6.359375]
    assert groups.mean().tolist() == pytest.approx(printed, abs=6e-7)


# Printed figures


def test_rows_of_the_cdnow_log(cdnow_log):
    assert len(cdnow_log) == 6919
    assert len(cdnow_log.drop_duplicates(["customer_id", "date"])) == 6696


@pytest.mark.parametrize(
    ("code", "printed", "total", "digits"),
    [
        ("bgnbd", (0.243, 4.414, 0.793, 2.426), -9582.4, 0.06),  # the paper
        ("bgnbd", (0.2425982, 4.4136842, 0.7929899, 2.4261667), -9582.429, 6e-4),  # BTYD
        ("bgnbd", (0.2425945, 4.4136019, 0.7929199, 2.4258881), -9582.429, 6e-4),  # CLVTools
        ("pnbd", (0.553, 10.578, 0.606, 11.669), -9595.0, 0.06),  # the paper
        ("pnbd", (0.55339714, 10.58019854, 0.6060625, 11.65622367), -9594.976, 6e-4),  # BTYD
        ("pnbd", (0.55315, 10.57633, 0.60625, 11.67150), -9594.976, 6e-4),  # CLVTools
        ("mbgnbd", (0.525, 6.183, 0.891, 1.614), -9582.14, 0.006),  # BTYDplus, by lifetimes
    ],
)
def test_printed_parameters_have_their_printed_likelihood(cdnow, code, printed, total, digits):
    params = MODULES[code].Params(*printed)
    assert MODULES[code].log_likelihood(params, cdnow) == pytest.approx(total, abs=digits)
    assert MODULES[code].fit(cdnow).params == pytest.approx(params, rel=2e-3)


def test_customer_1_of_hardies_spreadsheet():
    """BG/NBD: 1.226 purchases in 39 weeks of x = 2, t_x = 30.43, T = 38.86."""
    h = pd.DataFrame({"x": [2], "t_x": [30.43], "T": [38.86]})
    model = at("bgnbd", (0.2425945, 4.4136019, 0.7929199, 2.4258881))
    assert model.expected_purchases(h, 39).item() == pytest.approx(1.225907, abs=1e-4)


@pytest.fixture(scope="module")
def quickstart():
    """The CDNOW summary of lifetimes, in weeks of two decimals, as its quickstart reads it."""
    summary = load_cdnow_summary_data_with_monetary_value()
    names = {"frequency": "x", "recency": "t_x", "monetary_value": "spend_per_repeat_day"}
    customers = summary.rename(columns=names)
    return customers.assign(
        spend_per_repeat_day=customers["spend_per_repeat_day"].where(customers["x"] > 0)
    )


def test_quickstart_of_lifetimes_ranks_the_same_customers(quickstart):
    """Expected purchases of the next week: the best five."""
    h, key = histories.distinct(quickstart)
    expected = bg_nbd.fit(h).expected_purchases(h, 1).loc[key].set_axis(key.index)
    best = expected.nlargest(5)
    assert best.index.tolist() == [1516, 157, 1981, 841, 509]
    printed = [0.710623, 0.662396, 0.486526, 0.474738, 0.424877]
    assert best.tolist() == pytest.approx(printed, rel=1e-3)


def test_quickstart_of_lifetimes_spends_the_same(quickstart):
    """Expected spend of customers 1 to 10, its mean, the observed mean and the correlation."""
    again = quickstart[quickstart["x"] > 0]
    assert np.corrcoef(again["x"], again["spend_per_repeat_day"])[0, 1] == pytest.approx(
        0.113884, abs=6e-7
    )
    assert again["spend_per_repeat_day"].mean() == pytest.approx(35.078551797, abs=6e-9)
    fitted = gamma_gamma.fit(quickstart)
    assert fitted.params == pytest.approx((6.24880, 3.74459, 15.44775), rel=1e-4)
    spend = fitted.expected_spend(quickstart)
    assert spend.mean() == pytest.approx(35.2529588256, rel=1e-4)
    printed = {1: 24.658619, 2: 18.911489, 3: 35.170981, 6: 71.462843, 9: 27.282408}
    assert spend.loc[list(printed)].tolist() == pytest.approx(list(printed.values()), rel=1e-4)


def test_a_year_of_lifetimes_quickstart_with_weeks_as_weeks(quickstart):
    """lifetimes with freq="W", ten customers; its quickstart's 140.10 takes weeks for days."""
    h, key = histories.distinct(quickstart)
    model, spend = bg_nbd.fit(h), gamma_gamma.fit(quickstart)
    until = [model.expected_purchases(h, 4.345 * month) for month in range(13)]
    worth = sum((until[i] - until[i - 1]) / 1.01**i for i in range(1, 13))
    ours = worth.loc[key].set_axis(key.index) * spend.expected_spend(quickstart)
    printed = [36.2785, 4.6375, 8.3441, 8.3441, 8.3441, 283.5236, 6.8814, 8.3441, 43.3536, 8.3441]
    assert ours.loc[range(1, 11)].tolist() == pytest.approx(printed, rel=1e-3)
    wrong = [model.expected_purchases(h, 30 * month) for month in range(13)]
    trap = sum((wrong[i] - wrong[i - 1]) / 1.01**i for i in range(1, 13))
    trapped = trap.loc[key].set_axis(key.index) * spend.expected_spend(quickstart)
    printed = [140.096211, 18.943467, 38.180574, 38.180574, 38.180574, 1003.868107, 28.109683]
    printed += [38.180574, 167.418216, 38.180574]
    assert trapped.loc[range(1, 11)].tolist() == pytest.approx(printed, rel=1e-3)


# Computed once, independently


def test_bg_nbd_of_all_cdnow_customers(full_cdnow_log, full_cdnow):
    """The full log; Pareto/NBD is held by its own module."""
    log = full_cdnow_log
    assert (len(log), log["discs"].sum()) == (69_659, 167_881)
    assert log["dollars"].sum() == pytest.approx(2_500_315.63)
    assert (log.duplicated().sum(), (log["dollars"] == 0).sum()) == (255, 80)
    assert log.duplicated(["customer_id", "date"]).sum() == 2068
    assert full_cdnow["holdout"].sum() == 19_684
    h, _ = histories.distinct(full_cdnow)
    assert (h["x"] * h["n"]).sum() == 24_337
    found = bg_nbd.fit(h)
    close(found.params, (0.25162396, 4.78894296, 0.72343365, 2.16108864), 1e-4)
    assert found.log_likelihood == pytest.approx(-95368.443933, abs=1e-3)
    total = (found.expected_purchases(h, 39) * h["n"]).sum()
    assert total == pytest.approx(16_873.7, abs=0.06)


def test_reference_fits_of_apparel(apparel):
    """Totals of the 207 weeks after 2006, NBD and Gamma-Gamma."""
    totals = {
        code: MODULES[code].fit(apparel).expected_purchases(apparel, HORIZON["apparel"]).sum()
        for code in PLAIN
    }
    assert totals == pytest.approx({"pnbd": 1455.5, "bgnbd": 1414.0}, abs=0.1)
    assert nbd.fit(apparel).log_likelihood == pytest.approx(-5910.746, abs=6e-4)
    spend = gamma_gamma.fit(apparel)
    assert spend.params == pytest.approx((3.09904, 5.65369, 56.5042), rel=1e-4)
    assert spend.log_likelihood == pytest.approx(-1670.663, abs=6e-4)
    assert spend.n_customers == 387


@pytest.fixture(scope="module")
def retail(online_retail):
    """Online Retail, one row per customer, country and day."""
    keys = ["customer_id", "country", "day"]
    return online_retail.groupby(keys, as_index=False)["amount"].sum()


@pytest.mark.parametrize(
    ("country", "n", "x", "none", "r", "alpha", "total", "forecast", "spend", "n_spend"),
    [
        (None, 2960, 5016, 1404, 0.74421, 9.04752, -15325.455, 5634.8, (2.85218, 3.19779), 1556),
        ("United Kingdom", 2679, 4523, 1274, 0.7391, 9.0243, -13862.42, 5077.8, (2.881, 3.5493), 0),
        ("Germany", 59, 125, 20, 1.6115, 16.73479, -397.763, 131.5, (None, 3.97), 39),
        ("France", 61, 106, 28, 1.08103, 12.29584, -340.473, 124.1, (None, 4.08), 33),
    ],
)  # fmt: skip
def test_reference_fits_of_online_retail(
    retail, country, n, x, none, r, alpha, total, forecast, spend, n_spend
):
    """b of BG/NBD runs to infinity: said, and as likely as NBD, which forecasts the same."""
    days = retail if country is None else retail[retail["country"] == country]
    log = days.rename(columns={"day": "date"})
    customers = summarize(log, "2011-06-30")
    assert (len(customers), customers["x"].sum(), (customers["x"] == 0).sum()) == (n, x, none)
    h, _ = histories.distinct(customers)
    found, without = bg_nbd.fit(h), nbd.fit(h)
    assert found.reason == "no_drop_out_found"
    assert -1e-6 < found.log_likelihood - without.log_likelihood < 0.1  # Germany: a little more
    assert without.log_likelihood == pytest.approx(total, abs=0.011)
    assert without.params == pytest.approx((r, alpha), rel=2e-3)
    ours = (without.expected_purchases(h, 162 / 7) * h["n"]).sum()
    assert ours == pytest.approx(forecast, rel=2e-3)
    ours = (found.expected_purchases(h, 162 / 7) * h["n"]).sum()
    assert ours == pytest.approx(forecast, rel=0.02)
    money = gamma_gamma.fit(customers)
    if n_spend:
        assert money.n_customers == n_spend
    if spend[0]:
        assert money.params[:2] == pytest.approx(spend, rel=1e-3)
    assert money.params.q == pytest.approx(spend[1], abs=0.006)


def test_the_example_for_users_of_lifetimes_runs(cdnow_log, cdnow, tmp_path, monkeypatch):
    """docs/coming_from_lifetimes.md on CDNOW: 1,665.5 purchases, the customers' own histories."""
    page = (Path(__file__).parent.parent / "docs" / "coming_from_lifetimes.md").read_text("utf-8")
    example = page.partition("```python\n")[2].partition("```")[0]
    names = {"date": "ordered_at", "dollars": "amount"}
    orders = cdnow_log.rename(columns=names)[["customer_id", "ordered_at", "amount"]]
    free = orders["amount"] == 0  # a gift is no purchase here; lifetimes counts it
    orders.assign(amount=orders["amount"].mask(free, 1e-9)).to_parquet(tmp_path / "orders.parquet")
    monkeypatch.chdir(tmp_path)
    made: dict = {}
    exec(compile(example, "coming_from_lifetimes.md", "exec"), made)
    assert made["forecast"].sum() == pytest.approx(1665.5, abs=0.1)
    assert made["alive"].loc[cdnow.index].between(0, 1).all()
    theirs = cdnow[["x", "t_x", "T", "spend_per_repeat_day"]]
    ours = made["table"].loc[cdnow.index, list(theirs)]
    pd.testing.assert_frame_equal(ours, theirs, check_dtype=False, check_names=False, atol=1e-6)
    assert (made["values"]["expected_margin"] >= 0).all()


def test_calls_named_for_users_of_lifetimes_exist():
    """Every name the page gives in the column `here`."""
    page = (Path(__file__).parent.parent / "docs" / "coming_from_lifetimes.md").read_text("utf-8")
    rows = [line.split(" | ")[1] for line in page.splitlines() if line.startswith("| ")][2:]
    calls = set(re.findall(r"\b([a-z_]+)\.([a-z_]+)\(", " ".join(rows)))
    methods = set(re.findall(r"(?<![\w.])([a-z_]+)\(", " ".join(rows)))
    for room, name in calls:
        package = "cvm_analysis" if room == "customers" else "cvm_analysis.clv"
        assert hasattr(importlib.import_module(f"{package}.{room}"), name), (room, name)
    everything = [*dir(pareto_nbd.ParetoNbd), *dir(gamma_gamma.GammaGamma)]
    assert methods and methods <= set(everything)
