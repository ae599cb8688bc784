"""Amounts in several currencies are converted at the day's rate, or a run stops and names them."""

import pytest
from raw_business import prepared, write

from cvm_analysis import validate
from cvm_analysis.errors import ConfigError, InputError
from cvm_analysis.intake import currencies

ORDERS = """customer_id,date,amount,currency
a,2024-01-02,100.00,USD
b,2024-01-09,100.00,EUR
c,2024-01-10,5000,JPY
"""
SOURCE = """
files: orders.csv
region: main
columns: {customer_id: customer_id, ordered_at: date, amount: amount}
"""
RATES = """currency,rate,from
EUR,1.10,2023-01-01
jpy,0.007,
EUR,1.20,2024-01-05
EUR,1.30,2025-01-01
"""


def spend(made):
    return made.lines.set_index("customer_id")["amount"].to_dict()


def test_currencies_without_rates_stop_the_run_by_name(tmp_path):
    with pytest.raises(InputError) as error:
        prepared(tmp_path, SOURCE, {"orders.csv": ORDERS})
    assert "line 2: amounts are not all in USD: 1 rows in EUR; 1 rows in JPY;" in str(error.value)


def test_a_rate_holds_from_its_day_on(tmp_path):
    files = {"orders.csv": ORDERS, "rates.csv": RATES}
    made = prepared(tmp_path, SOURCE, files, "rates: rates.csv\n")
    assert spend(made) == {"a": 100, "b": 120, "c": 35}


def test_every_sum_of_money_is_converted_and_no_number_of_pieces(tmp_path):
    text = "customer_id,date,n,price,cost,money\na,2024-02-01,3,10,6,eur\n"
    source = """
    files: orders.csv
    region: main
    columns: {customer_id: customer_id, ordered_at: date, quantity: n, unit_price: price,
              cost: cost}
    currency: money
    """
    files = {"orders.csv": text, "rates.csv": RATES}
    made = prepared(tmp_path, source, files, "rates: rates.csv\n")
    assert made.lines[["amount", "quantity", "cost"]].to_numpy().tolist() == [[36, 3, 7.2]]


def test_a_new_rate_prepares_anew(tmp_path):
    files = {"orders.csv": ORDERS, "rates.csv": RATES}
    prepared(tmp_path, SOURCE, files, "rates: rates.csv\n")
    changed = files | {"rates.csv": RATES.replace("1.20", "1.25")}
    assert spend(prepared(tmp_path, SOURCE, changed, "rates: rates.csv\n"))["b"] == 125


def test_a_day_before_the_first_rate_and_a_currency_without_one_are_named(tmp_path):
    rates = "currency,rate,from\nEUR,1.1,2024-01-10\n"
    files = {"orders.csv": ORDERS, "rates.csv": rates}
    with pytest.raises(InputError) as error:
        prepared(tmp_path, SOURCE, files, "rates: rates.csv\n")
    said = "1 rows in EUR, from 2024-01-09 on, its first rate 2024-01-10; 1 rows in JPY;"
    assert said in str(error.value) and "line 7" in str(error.value)


def test_rows_of_other_currencies_may_be_left_out(tmp_path):
    made = prepared(tmp_path, SOURCE + "where: {currency: usd}", {"orders.csv": ORDERS})
    assert spend(made) == {"a": 100} and made.found == {"filtered": 2}


def test_one_currency_that_is_not_the_config_s_is_no_mistake_in_silence(tmp_path):
    text = ORDERS.replace("USD", "JPY").replace("EUR", "JPY")
    with pytest.raises(InputError, match="amounts are not all in USD: 3 rows in JPY;"):
        prepared(tmp_path, SOURCE, {"orders.csv": text})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("currency,kurs\nEUR,1\n", "rates need the columns currency and rate"),
        ("currency,rate\nEUR,one\n", "line 2: a rate is a number above 0"),
        ("currency,rate\nEUR,1\nJPY,0\n", "line 3: a rate is a number above 0, not 0"),
        ("currency,rate,from\nEUR,1,1/2/2024\n", "line 2: a rate is a number above 0, and `from`"),
    ],
)
def test_a_wrong_rate_is_an_error_with_its_line(tmp_path, text, said):
    path = tmp_path / "rates.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as error:
        currencies.read_rates(path)
    assert said in str(error.value)


def test_a_missing_file_of_rates_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match=r"mine\.yaml line 7: .*none\.csv: no such file"):
        validate.check(write(tmp_path, SOURCE, {"orders.csv": ORDERS}, "rates: none.csv\n"))


@pytest.mark.parametrize("header", ["Currency", "currency_code", "币种", "Order Currency"])
def test_a_column_of_currencies_is_found_by_its_name(header):
    assert currencies.find_header(["id", header]) == header
    assert currencies.find_header(["id", "Current"]) is None
