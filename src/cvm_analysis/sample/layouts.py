"""How the invented company's systems write their files: encoding, headers, dates.

Everything is written with commas and one header line. Headers are given by our column names, in
the file's order.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Layout:
    """How one source writes its file.

    headers : our column -> the header in the file, in the file's order
    dates : strftime format of a time; its first word is the format of a date
    """

    encoding: str
    headers: dict[str, str]
    dates: str = "%Y-%m-%d"

    @property
    def days(self) -> str:
        """Format of a date without time."""
        return self.dates.split()[0]


CHINESE = {
    "order_id": "单号",
    "ordered_at": "日期",
    "customer_id": "客户编号",
    "product": "商品名称",
    "category": "品类",
    "quantity": "数量",
    "unit_price": "单价",
    "discount": "折扣金额",
    "amount": "金额",
    "cost": "成本",
    "channel": "渠道",
    "promised_on": "承诺送达日",
    "delivered_on": "实际送达日",
}
ENGLISH = {
    "customer_id": "Member No",
    "order_id": "Order No",
    "ordered_at": "Order Time",
    "category": "Category",
    "product": "Item",
    "quantity": "Qty",
    "unit_price": "Unit Price",
    "discount": "Discount",
    "amount": "Net Amount",
    "cost": "Cost",
    "channel": "Channel",
    "promised_on": "Promised Date",
    "delivered_on": "Delivered Date",
}
ERP = Layout("gb18030", CHINESE)
OLD_ERP = Layout("gb18030", CHINESE, "%Y/%m/%d")
SPREADSHEET = Layout("utf-8-sig", CHINESE)
SHOP = Layout("utf-8", ENGLISH, "%Y-%m-%d %H:%M:%S")

CUSTOMERS = Layout(
    "utf-8-sig",
    {
        "customer_id": "id",
        "customer_type": "类型",
        "region": "地区",
        "joined_on": "入会日期",
        "birth_date": "出生日期",
        "gender": "性别",
        "industry": "行业",
        "company_size": "企业规模",
        "city": "城市",
        "channel": "渠道",
    },
)
FEEDBACK = Layout(
    "utf-8-sig",
    {
        "customer_id": "客户编号",
        "at": "日期",
        "kind": "类型",
        "dimension": "维度",
        "score": "分数",
        "text": "内容",
        "closed_at": "关闭日期",
    },
)
CONTRACTS = Layout(
    "gb18030",
    {
        "customer_id": "客户编号",
        "contract_id": "合同号",
        "started_on": "开始日期",
        "ended_on": "结束日期",
        "complaint_first_month": "首月投诉",
        "late_installation": "安装延误",
        "no_maintenance_plan": "无养护计划",
    },
)
INDICATORS = Layout(
    "utf-8-sig", {"customer_id": "客户编号", "at": "日期", "name": "指标", "value": "数值"}
)
