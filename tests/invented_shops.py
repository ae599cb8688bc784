"""Orders of an invented shop over two years, written as shops, lists and databases export them."""

import csv
import io

import numpy as np
import pandas as pd

PRODUCTS = {  # price of one piece; name in English, German, Chinese
    "OAK": (48.5, "Oak board", "Eichendiele", "橡木地板"),
    "ASH": (39.9, "Ash board", "Eschendiele", "白蜡木地板"),
    "SKI": (6.75, "Skirting", "Fußleiste", "踢脚线"),
    "GLU": (12.0, "Glue", "Kleber", "胶水"),
    "UND": (9.5, "Underlay", "Trittschalldämmung", "静音垫"),
}
START, DAYS = pd.Timestamp("2023-01-02"), 728
CANCELLED = 0.06  # share of orders
SHOPIFY = (
    "Name,Email,Financial Status,Paid at,Fulfillment Status,Accepts Marketing,Currency,Subtotal,"
    "Shipping,Taxes,Total,Discount Code,Discount Amount,Shipping Method,Created at,"
    "Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Lineitem fulfillment status,"
    "Billing Name,Billing Street,Billing City,Billing Zip,Billing Province,Billing Country,"
    "Billing Phone,Notes,Cancelled at,Payment Method,Refunded Amount,Vendor,Id,Tags,Source"
)


def order_lines(n_customers=150, seed=17):
    """Lines of orders, in the order of time.

    order, customer : numbers; at : local time to the minute; product : a key of PRODUCTS; pieces;
    price : of one piece; is_cancelled : of the whole order
    """
    draw = np.random.default_rng(seed)
    orders = []
    for customer in range(1, n_customers + 1):
        day, gap = draw.integers(0, DAYS - 60), draw.gamma(2.0, 60.0) + 10
        stays = draw.exponential(500) + 1
        end = min(DAYS, day + stays)
        while day < end:
            orders.append((day, customer))
            day += 1 + draw.exponential(gap)
    rows = []
    for order, (day, customer) in enumerate(sorted(orders), start=1):
        at = START + pd.Timedelta(days=int(day), minutes=int(draw.integers(8 * 60, 20 * 60)))
        is_cancelled = bool(draw.random() < CANCELLED)
        for product in draw.choice([*PRODUCTS], draw.integers(1, 4), replace=False):
            pieces = int(draw.integers(1, 9))
            price = PRODUCTS[product][0]
            rows.append((order, customer, at, product, pieces, price, is_cancelled))
    columns = ["order", "customer", "at", "product", "pieces", "price", "is_cancelled"]
    return pd.DataFrame(rows, columns=columns)


def shopify(lines):
    """Orders > Export of Shopify: what belongs to the order stands on its first line alone."""
    text = io.StringIO()
    writer = csv.DictWriter(text, SHOPIFY.split(","), restval="", lineterminator="\n")
    writer.writeheader()
    for order, group in lines.groupby("order"):
        total = (group["pieces"] * group["price"]).sum()
        refund = total + 9.9 if order % 20 == 0 else total / 2 if order % 20 == 10 else 0
        status = "voided" if group["is_cancelled"].iloc[0] else "refunded" if refund else "paid"
        when = group["at"].iloc[0].tz_localize("America/New_York").strftime("%Y-%m-%d %H:%M:%S %z")
        customer = group["customer"].iloc[0]
        head = {
            "Financial Status": status, "Paid at": when, "Fulfillment Status": "fulfilled",
            "Accepts Marketing": "no", "Currency": "USD", "Subtotal": f"{total:.2f}",
            "Shipping": "9.90", "Taxes": "0.00", "Total": f"{total + 9.9:.2f}",
            "Discount Amount": "0.00", "Shipping Method": "Standard",
            "Billing Name": f"Buyer {customer}", "Billing City": "Springfield",
            "Billing Zip": f"'{customer:05}", "Billing Province": ("NY", "CA")[customer % 2],
            "Billing Country": "US", "Payment Method": "Shopify Payments",
            "Refunded Amount": f"{refund:.2f}", "Id": str(5_000_000_000 + order), "Source": "web",
            "Cancelled at": when if status == "voided" else "",
        }  # fmt: skip
        for line in group.itertuples():
            writer.writerow(
                head
                | {
                    "Name": f"#{1000 + order}", "Email": f"buyer{customer}@example.com",
                    "Created at": when, "Lineitem quantity": line.pieces,
                    "Lineitem name": PRODUCTS[line.product][1],
                    "Lineitem price": f"{line.price:.2f}", "Lineitem sku": line.product,
                    "Lineitem fulfillment status": "fulfilled", "Vendor": "Demo",
                }
            )  # fmt: skip
            head = {}
    return text.getvalue().encode()


def chinese(lines):
    """订单列表，GB18030 编码，一行一个商品。"""
    rows = ["订单编号,会员号,下单时间,省份,商品名称,品类,数量,实付金额,订单状态"]
    for line in lines.itertuples():
        province = ("江苏省", "浙江省")[line.customer % 2]
        status = "已取消" if line.is_cancelled else "交易成功"
        kind = "辅料" if line.product in ("GLU", "UND") else "地板"
        rows.append(
            f"D{line.order:06},{line.customer:05},{line.at:%Y/%m/%d %H:%M},{province},"
            f"{PRODUCTS[line.product][3]},{kind},{line.pieces},"
            f"¥{line.pieces * line.price:.2f},{status}"
        )
    return ("\r\n".join(rows) + "\r\n").encode("gb18030")


def german(lines):
    """Eine Bestellliste: cp1252, Semikolons, Dezimalkommas, Tage vor Monaten."""
    rows = ["Bestellnummer;Kundennummer;Bestelldatum;Bestellstatus;Bundesland;Artikel;Menge;"]
    rows[0] += "Einzelpreis;Gesamtbetrag"
    for line in lines.itertuples():
        state = ("Bayern", "Baden-Württemberg")[line.customer % 2]
        status = "storniert" if line.is_cancelled else "abgeschlossen"
        rows.append(
            f"B{line.order:05};{line.customer:06};{line.at:%d.%m.%Y %H:%M};{status};{state};"
            f"{PRODUCTS[line.product][2]};{line.pieces};{comma(line.price)};"
            f"{comma(line.pieces * line.price)}"
        )
    return ("\r\n".join(rows) + "\r\n").encode("cp1252")


def comma(number):
    """`1.234,50 €`."""
    return f"{number:,.2f}".translate(str.maketrans(",.", ".,")) + " €"


def fill_postgres(con, lines):
    """A table of typed columns, `shop.order_lines`, in a connection of psycopg."""
    con.execute("CREATE SCHEMA shop")
    con.execute(
        "CREATE TABLE shop.order_lines (order_id bigint, customer_id bigint, "
        "created_at timestamptz, status text, region text, sku text, product text, "
        "quantity integer, unit_price numeric(10, 2))"
    )
    with con.cursor().copy("COPY shop.order_lines FROM STDIN") as copy:
        for line in lines.itertuples():
            status = "cancelled" if line.is_cancelled else "completed"
            copy.write_row(
                (
                    line.order, line.customer, line.at.tz_localize("Europe/London"), status,
                    ("North", "South")[line.customer % 2], line.product,
                    PRODUCTS[line.product][1], line.pieces, line.price,
                )
            )  # fmt: skip
