"""Exports of shop systems are recognised by their headers, and what counts is proposed."""

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from cvm_analysis import validate
from cvm_analysis.crm import systems
from cvm_analysis.draft import profiles
from cvm_analysis.draft.draft import draft
from cvm_analysis.errors import InputError
from cvm_analysis.intake.prepare import prepare
from cvm_analysis.tables import TABLES

CONFIG = Path(__file__).parent.parent / "config"
SHOPIFY = """\
Name,Email,Financial Status,Currency,Subtotal,Total,Created at,Lineitem quantity,Lineitem name,\
Lineitem price,Lineitem sku,Refunded Amount
#1003,eva@example.com,paid,AUD,191.00,216.18,2022-03-05 08:46:53 -0500,8,Cleaner 1L,12.00,CL-1,0.00
#1003,eva@example.com,,,,,2022-03-05 08:46:53 -0500,10,Underlay 5mm,9.50,UL-5,
#1004,liam@example.com,paid,USD,20.25,21.87,2022-03-06 02:11:54 -0500,3,Board,6.75,SK-1,0.00
#1005,liam@example.com,voided,USD,6.75,7.29,2022-03-07 02:11:54 -0500,1,Board,6.75,SK-1,0.00
#1020,olga@example.com,refunded,USD,43.25,43.25,2022-03-17 01:00:36 -0400,5,Board,6.75,SK-1,43.25
#1020,olga@example.com,,,,,2022-03-17 01:00:36 -0400,1,Underlay 5mm,9.50,UL-5,
"""
WOOCOMMERCE = """\
Order Number,Order Status,Order Date,Email (Billing),SKU,Item #,Item Name,Quantity (- Refund),\
Item Cost,Order Total Amount
10,Completed,2024-05-01 10:00,a@example.com,S1,1,Oak,2,10.00,25.00
10,Completed,2024-05-01 10:00,a@example.com,S2,2,Glue,1,5.00,25.00
11,Cancelled,2024-05-02 10:00,b@example.com,S1,1,Oak,2,10.00,20.00
12,Refunded,2024-05-03 10:00,c@example.com,S1,1,Oak,1,10.00,10.00
"""
STRIPE = """\
id,Created date (UTC),Amount,Amount Refunded,Currency,Status,Mode,Customer Email
ch_1,2024-06-05 20:38:34,100.00,0.00,usd,Paid,Live,a@example.com
ch_2,2024-06-06 20:38:34,100.00,25.00,usd,Paid,Live,b@example.com
ch_3,2024-06-07 20:38:34,50.00,0.00,usd,Failed,Live,b@example.com
ch_4,2024-06-08 20:38:34,70.00,0.00,usd,Paid,Test,a@example.com
"""
MAGENTO = """\
ID,Purchase Point,Purchase Date,Grand Total (Base),Grand Total (Purchased),Status,Customer Email,\
Total Refunded
000000001,Main,2024-01-05 10:11:12,100.00,100.00,Complete,a@example.com,0.00
000000002,Main,2024-01-06 10:11:12,80.00,80.00,Canceled,b@example.com,0.00
000000003,Main,2024-01-07 10:11:12,60.00,60.00,Closed,c@example.com,60.00
"""
ODOO = """\
Order Reference,Customer,Order Date,Status,Order Lines/Product,Order Lines/Quantity,\
Order Lines/Subtotal
S00001,Azure,2024-02-01 09:00:00,Sales Order,Desk,1,500.00
,,,,Chair,4,200.00
S00002,Deco,2024-02-02 09:00:00,Quotation,Desk,1,500.00
,,,,Chair,1,50.00
S00003,Deco,2024-02-03 09:00:00,Sales Order,Lamp,1,30.00
"""
YOUZAN = """\
订单号,销售渠道,订单状态,订单创建时间,买家付款时间,订单实付金额,全部商品名称,买家手机号,订单已退款金额
E1,网店,交易完成,2026-06-19 10:00:00,2026-06-19 10:01:00,100.00,草莓蛋糕,13800000001,0.00
E2,网店,已关闭,2026-06-20 10:00:00,,60.00,芝士蛋糕,13800000002,0.00
E3,门店,交易完成,2026-06-21 10:00:00,2026-06-21 10:01:00,80.00,草莓蛋糕,13800000002,20.00
"""
TAOBAO = """\
订单编号,买家会员名,总金额,买家实际支付金额,订单状态,订单创建时间,宝贝标题,退款金额
21,小王,99.00,99.00,交易成功,2024-03-01 10:00:00,橡木地板,0.00
22,小李,49.00,0.00,交易关闭,2024-03-02 10:00:00,踢脚线,49.00
23,小李,49.00,49.00,卖家已发货，等待买家确认,2024-03-03 10:00:00,踢脚线,0.00
24,小张,30.00,0.00,等待买家付款,2024-03-04 10:00:00,胶水,0.00
"""
# profile, file, order and amount of each line, rows that are left out
EXPORTS = {
    "WooCommerce orders": (WOOCOMMERCE, [("10", 5), ("10", 20), ("12", -10), ("12", 10)], 1),
    "Stripe payments": (STRIPE, [("ch_1", 100), ("ch_2", -25), ("ch_2", 100)], 2),
    "Magento orders": (MAGENTO, [("000000001", 100), ("000000003", -60), ("000000003", 60)], 1),
    "Odoo sales orders": (ODOO, [("S00001", 200), ("S00001", 500), ("S00003", 30)], 2),
    "有赞订单": (YOUZAN, [("E1", 100), ("E3", -20), ("E3", 80)], 1),
    "淘宝订单": (TAOBAO, [("21", 99), ("23", 49)], 2),
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CVM_KEY", "a key that is long enough")
    Path("config").mkdir()
    for name in ("segments.yaml", "scorecards.yaml", "strategies.yaml"):
        shutil.copy(CONFIG / name, "config")
    return tmp_path


def drafted(content, *changes):
    """Draft a config for a file, with changes a user makes, and prepare it."""
    Path("orders.csv").write_text(content, "utf-8")
    text = draft([Path("orders.csv")])
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    Path("config/mine.yaml").write_text(text, "utf-8")
    settings = validate.check("config/mine.yaml")
    prepare(settings)
    lines = pd.read_parquet(settings.prepared / "transactions").astype({"amount": float})
    quality = pd.read_parquet(settings.prepared / "quality.parquet")
    left_out = quality[(quality["region"] == "all") & (quality["level"] == "filter")]
    assert pd.read_parquet(settings.prepared / "quarantine.parquet").empty
    return lines, int(left_out["n_rows"].sum())


def by_order(lines):
    return sorted(zip(lines["order_id"], lines["amount"], strict=True))


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_is_recognised_and_what_counts_is_counted(folder, name):
    content, expected, n_left_out = EXPORTS[name]
    headers = content.splitlines()[0].split(",")
    assert profiles.recognise(headers).name == name
    found, left_out = drafted(content)
    assert by_order(found) == expected and left_out == n_left_out


def test_shopify_in_several_currencies_stops_by_name(folder):
    with pytest.raises(InputError, match=r"not all in XXX: 2 rows in AUD; 3 rows in USD;"):
        drafted(SHOPIFY)
    with pytest.raises(InputError, match=r"not all in USD: 2 rows in AUD;"):
        drafted(SHOPIFY, ("currency: XXX", "currency: USD"))


def test_shopify_with_rates_is_right_to_the_line(folder):
    """Price x pieces of each line, in the order's currency; a refund gives each line back."""
    Path("config/rates.csv").write_text("currency,rate\nAUD,0.65\n", "utf-8")
    rates = ("timezone:", "rates: rates.csv\ntimezone:")
    found, left_out = drafted(SHOPIFY, ("currency: XXX", "currency: USD"), rates)
    expected = [("#1003", 61.75), ("#1003", 62.4), ("#1004", 20.25)]
    expected += [("#1020", -33.75), ("#1020", -9.5), ("#1020", 9.5), ("#1020", 33.75)]
    assert by_order(found) == expected
    assert left_out == 1
    assert found["customer_id"].nunique() == 3
    assert not found["customer_id"].str.contains("@").any()  # guests, too, are pseudonyms
    moments = found.set_index("order_id")["ordered_at"]
    assert str(moments["#1004"]) == "2022-03-06 07:11:54"  # 02:11:54 at -05:00, in UTC


def test_every_profile_is_complete_and_tells_itself(folder):
    names = {profile.name for profile in profiles.read_all() if profile.table == "transactions"}
    assert names == {*EXPORTS, "Shopify orders"}
    for profile in profiles.read_all():
        headers = [
            each if isinstance(each, str) else each[0] for each in profile.content["headers"]
        ]
        assert profiles.recognise(headers) is profile
        every = {*profile.content["columns"], *profile.to_source(headers)["columns"]}
        spec = TABLES[profile.table].columns
        needed = {name for name, column in spec.items() if not column.optional} - {"amount"}
        assert needed <= every <= {*spec}


SALES = "customer_id,ordered_at,amount\n" + "".join(
    f"{customer},2025-0{month}-01,10.50\n" for customer in ("k1", "k2") for month in (1, 6, 9)
)
ZOHO = {
    "accounts": "Record Id,Account Name,Account Owner,Phone,Created Time,Billing City,"
    "CVM Customer ID,CVM Grade\n1,Ann Lee,Eve,555 0100,2024-05-01 10:00:00,Rome,k1,A\n",
    "contacts": "Record Id,First Name,Last Name,Contact Owner,Date of Birth,CVM Customer ID\n"
    "1,Bob,Ray,Eve,1980-02-03,k2\n",
    "tasks": "Task Owner,Subject,Status,Closed Time,CVM Customer ID,CVM Action,CVM Channel Code,"
    "CVM Result,CVM Listed On\n"
    "Eve,Call,Completed,2025-09-20 09:30:00,k1,call_overdue,phone,reached,2025-09-15\n"
    "Eve,Call,Not Started,,k2,call_overdue,phone,,2025-09-15\n"
    "Eve,Lunch,Completed,2025-09-21 12:00:00,k2,,,,\n",
    "deals": "Record Id,Deal Name,Deal Owner,Stage,Closing Date,Amount,Created Time,"
    "CVM Customer ID\n"
    "7,Oak,Eve,Closed Won,2025-09-10,900,2025-08-01 09:00:00,k1\n"
    "8,Ash,Eve,closed lost,2025-09-11,700,2025-08-02 09:00:00,k1\n"
    "9,Fir,Eve,Negotiation,2025-12-24,500,2025-08-03 09:00:00,k2\n",
    "members": "Campaign Name,CVM Customer ID,CVM Action,CVM Arm,CVM Listed On\n"
    "Call - Phone,k1,call_overdue,treated,2025-09-15\n",
}
FXIAOKE = {
    "accounts": "客户名称,负责人,电话,创建时间,市,CVM客户编号,CVM客户等级\n"
    "安女士,小王,13800000001,2024-05-01 10:00,杭州,k1,A\n",
    "contacts": "姓名,客户名称,负责人,手机,生日,CVM客户编号\n"
    "李先生,李家,小王,13800000002,1980-02-03,k2\n",
    "tasks": "主题,负责人,状态,完成时间,CVM客户编号,CVM行动代码,CVM渠道代码,CVM执行结果,"
    "CVM名单日期\n"
    "回访,小王,已完成,2025-09-20 09:30,k1,call_overdue,phone,接通,2025-09-15\n"
    "回访,小王,未开始,,k2,call_overdue,phone,,2025-09-15\n"
    "午餐,小王,已完成,2025-09-21 12:00,k2,,,,\n",
    "deals": "商机编号,商机名称,负责人,销售阶段,预计成交日期,商机金额,创建时间,CVM客户编号\n"
    "7,橡木,小王,赢单,2025-09-10,900,2025-08-01 09:00,k1\n"
    "8,白蜡,小王,输单,2025-09-11,700,2025-08-02 09:00,k1\n"
    "9,冷杉,小王,商务谈判,2025-12-24,500,2025-08-03 09:00,k2\n",
    "members": "活动名称,CVM客户编号,CVM行动代码,CVM实验组别,CVM名单日期\n"
    "致电 - 电话,k1,call_overdue,treated,2025-09-15\n",
}


@pytest.mark.parametrize("system", [ZOHO, FXIAOKE], ids=["zoho", "fxiaoke"])
def test_what_a_crm_gives_back_is_recognised_and_read(folder, system):
    Path("sales.csv").write_text(SALES, "utf-8")
    for name, text in system.items():
        Path(f"{name}.csv").write_text(text, "utf-8")
    text = draft([Path("sales.csv"), *(Path(f"{name}.csv") for name in system)])
    assert text.count("# recognised: ") == 5
    text = text.replace("pseudonyms: on", "extracted_on: 2025-10-01\npseudonyms: off")
    Path("config/mine.yaml").write_text(text, "utf-8")
    settings = validate.check("config/mine.yaml")
    prepare(settings)

    def table(name):
        return pd.read_parquet(settings.prepared / name).sort_values("customer_id")

    assert pd.read_parquet(settings.prepared / "quarantine.parquet").empty
    (done,) = table("contact_log").to_dict("records")
    assert (done["customer_id"], done["action"], done["channel"]) == ("k1", "call_overdue", "phone")
    assert (str(done["at"]), str(done["listed_on"])) == ("2025-09-20", "2025-09-15")
    assert done["owner"] in ("Eve", "小王") and done["result"] in ("reached", "接通")
    leads = table("leads").sort_values("lead_id")
    assert leads["outcome"].tolist() == ["won", "lost", "open"]
    assert leads["closed_on"].astype(str).tolist()[:2] == ["2025-09-10", "2025-09-11"]
    assert pd.isna(leads["closed_on"].iloc[2]), "a day on which it should close is no end"
    assert leads["stage"].iloc[2] in ("Negotiation", "商务谈判")
    people = table("customers_raw").set_index("customer_id")
    assert people.loc["k1", "city"] in ("Rome", "杭州")
    assert str(people.loc["k2", "birth_date"])[:10] == "1980-02-03"
    (member,) = table("campaign_members").to_dict("records")
    assert (member["arm"], str(member["at"])) == ("treated", "2025-09-15")
    masked = [each for source in yaml.safe_load(text)["sources"]["customers"]
              for each in source["mask"]]  # fmt: skip
    assert {"Phone", "Account Name", "Last Name"} <= {*masked} or {"电话", "客户名称"} <= {*masked}


@pytest.mark.parametrize("name", ["zoho", "fxiaoke"])
def test_fields_that_come_back_are_those_that_were_exported(name):
    """Beside a result, which the desk fills in."""
    modules = systems.load(name).modules.values()
    ours = {header for module in modules for header in module.fields.values()}
    file = Path(profiles.__file__).parent / "profiles" / f"{name}.yaml"
    back = set(re.findall(r"CVM[\w\u4e00-\u9fff]*(?: [A-Z]\w+)*", file.read_text("utf-8")))
    back = {each for each in back if each.strip() not in ("CVM", "CVM Result", "CVM执行结果")}
    assert back and back <= ours


def test_another_file_has_no_profile():
    assert profiles.recognise(["customer", "date", "amount", "status"]) is None
    assert profiles.recognise(["Name", "Email", "Created at"]) is None


def test_statuses_of_any_file_are_proposed(folder):
    text = "order_id,customer_id,date,amount,status\n"
    text += "1,a,2024-01-02,100.00,completed\n2,a,2024-01-09,100.00,cancelled\n"
    text += "3,b,2024-01-10,50.00,refunded\n4,c,2024-01-11,70.00,completed\n"
    found, left_out = drafted(text)
    assert by_order(found) == [("1", 100), ("3", -50), ("3", 50), ("4", 70)] and left_out == 1
    source = yaml.safe_load(Path("config/mine.yaml").read_text("utf-8"))["sources"]["transactions"]
    assert source[0]["where"] == {"status": {"not": ["cancelled"]}}
    assert source[0]["refunds"] == {"when": {"status": ["refunded"]}}


def test_a_column_of_statuses_that_all_count_is_left_alone(folder):
    text = "order_id,customer_id,date,amount,status\n"
    text += "1,a,2024-01-02,100.00,new\n2,b,2024-01-09,80.00,shipped\n3,a,2024-01-10,5.00,new\n"
    found, left_out = drafted(text)
    assert len(found) == 3 and left_out == 0
    assert "where:" not in Path("config/mine.yaml").read_text("utf-8")
