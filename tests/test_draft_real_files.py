"""From a shop's export to prepared tables: `cvm init`, at most three edits, `check`, `prepare`.

Rows have the layout of real exports; the names in them are invented.
"""

from pathlib import Path

import own_project
import pytest
from own_project import CONFIG, MOST_EDITS, MOST_LINES, cvm

from cvm_analysis import prepared
from cvm_analysis.settings import load


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A company's folder, as `cvm new` starts it."""
    own_project.enter(tmp_path / "mine", monkeypatch)


def finish(files, edits):
    """Draft a config, edit whole lines of it, check and prepare; the prepared tables."""
    assert len(edits) <= MOST_EDITS
    text = cvm("init", *files)
    assert len(text.splitlines()) <= MOST_LINES
    for old, new in edits.items():
        (row,) = (row for row in text.splitlines() if row.strip().startswith(old))
        assert "  # " in row  # it is marked
        text = text.replace(row, new)
    CONFIG.write_text(text, "utf-8")
    assert cvm("check", str(CONFIG)).endswith("good\n")
    cvm("prepare", str(CONFIG))
    return prepared.open(load(CONFIG), "all")


def put(name, content, encoding="utf-8"):
    path = Path("data/raw") / name
    path.write_bytes(content.encode(encoding))
    return str(path)


def sales(data):
    return data.transactions.to_pandas()


def test_a_chinese_order_list_in_gb18030(mine):
    """Regions keep their script in keys and folders."""
    provinces = ("江苏省", "浙江省")
    rows = "".join(
        f"24{i:04},会员{i % 60:02},2024/{1 + i // 10}/{1 + i % 28} 10:30:00,¥{100 + i}.50,"
        f"交易成功,{provinces[i % 60 % 2]}\n"
        for i in range(120)
    )
    header = "订单编号,买家会员名,订单创建时间,买家实际支付金额,订单状态,省份\n"
    path = put("订单.csv", header + rows, "gb18030")
    regions = "regions: {from: 省份, pool_below: 10}"
    data = finish([path], {"business:": "business: 宁波地板", "regions:": regions})
    found = sales(data)
    assert len(found) == 120 and found["customer_id"].nunique() == 60
    assert float(found["amount"].sum()) == 120 * 100.5 + sum(range(120))
    assert str(found["ordered_at"].max())[:10] == "2024-12-28"
    settings = load(CONFIG)
    assert list(prepared.region_names(settings)) == ["all", "江苏省", "浙江省"]
    east = sales(prepared.open(settings, "江苏省"))
    assert len(east) == 60
    assert (settings.business.currency, settings.business.timezone) == ("CNY", "Asia/Shanghai")


def test_contracts_alone(mine):
    rows = "".join(
        f"K{i:03},{2020 + i % 4}-03-{1 + i % 28:02},{'2024-05-31' if i % 3 == 0 else ''},{20 + i}\n"
        for i in range(90)
    )
    path = put("contracts.csv", "customerID,start,end,monthly\n" + rows)
    data = finish([path], {"currency:": "currency: USD"})
    found = data.contracts.to_pandas()
    assert len(found) == 90 and found["ended_on"].notna().sum() == 30
    assert float(found["monthly_value"].sum()) == 90 * 20 + sum(range(90))


def german(number):
    """`1.234,50`, as a shop writes it."""
    return f"{number:,.2f}".translate(str.maketrans(",.", ".,"))


def test_an_export_of_a_german_shop(mine):
    """cp1252, semicolons, decimal commas, days before months, the order's total on every line."""
    orders = [[(n, 900.5 + 20 * i + n) for n in range(1, 2 + i % 2)] for i in range(60)]
    rows = "".join(
        f"{4000 + i};Abgeschlossen;{1 + i % 28:02}.{1 + i // 5:02}.2024 17:15;München;"
        f"{german(sum(n * price for n, price in lines))};{n};{german(price)};{1 + i % 20:06}\n"
        for i, lines in enumerate(orders)
        for n, price in lines
    )
    header = "Bestellnummer;Bestellstatus;Bestelldatum;Ort (Rechnung);Bestell-Gesamtbetrag;"
    header += "Menge (- Rückerstattung);Einzelpreis;Kundennummer\n"
    path = put("bestellungen.csv", header + rows, "cp1252")
    data = finish([path], {"currency:": "currency: EUR", "timezone:": "timezone: Europe/Berlin"})
    found = sales(data)
    assert len(found) == 90 and found["customer_id"].nunique() == 20
    assert float(found["amount"].sum()) == sum(n * price for line in orders for n, price in line)
    assert str(found["ordered_at"].max()) == "2024-12-28 17:15:00"
    text = CONFIG.read_text("utf-8")
    assert "decimal: comma" in text
    assert (
        "Bestell-Gesamtbetrag is the order's total, so the amount is quantity x unit_price" in text
    )
