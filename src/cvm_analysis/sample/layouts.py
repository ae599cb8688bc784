"""The file layouts of the invented company's systems: encoding, headers, dates.

All files have commas and one header line. Headers are keyed by our columns, in the file's order.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Layout:
    """The layout of one source's files."""

    encoding: str
    headers: dict[str, str]  # our column -> the header
    dates: str = "%Y-%m-%d"  # strftime format of a time; its first word is that of a date

    @property
    def days(self) -> str:
        """Format of a date without time."""
        return self.dates.split()[0]


CHINESE = (
    dict(order_id="单号", ordered_at="日期", customer_id="客户编号", product="商品名称")
    | dict(category="品类", quantity="数量", unit_price="单价", discount="折扣金额")
    | dict(amount="金额", cost="成本", channel="渠道")
    | dict(promised_on="承诺送达日", delivered_on="实际送达日")
)
ENGLISH = (
    dict(customer_id="Member No", order_id="Order No", ordered_at="Order Time")
    | dict(category="Category", product="Item", quantity="Qty", unit_price="Unit Price")
    | dict(discount="Discount", amount="Net Amount", cost="Cost", channel="Channel")
    | dict(promised_on="Promised Date", delivered_on="Delivered Date")
)
ERP = Layout("gb18030", CHINESE)
OLD_ERP = Layout("gb18030", CHINESE, "%Y/%m/%d")
SPREADSHEET = Layout("utf-8-sig", CHINESE)
SHOP = Layout("utf-8", ENGLISH, "%Y-%m-%d %H:%M:%S")

CUSTOMERS = Layout(
    "utf-8-sig",
    dict(customer_id="id", customer_type="类型", region="地区", joined_on="入会日期")
    | dict(birth_date="出生日期", gender="性别", industry="行业", company_size="企业规模")
    | dict(city="城市", channel="渠道")
    | dict(name="姓名", phone="手机", email="邮箱", address="地址"),
)
FEEDBACK = Layout(
    "utf-8-sig",
    dict(customer_id="客户编号", at="日期", kind="类型", dimension="维度")
    | dict(score="分数", text="内容", closed_at="关闭日期")
    | dict(about_product="涉及产品", about_order="订单号"),
)
CONTRACTS = Layout(
    "gb18030",
    dict(customer_id="客户编号", contract_id="合同号", started_on="开始日期", ended_on="结束日期")
    | dict(complaint_first_month="首月投诉", late_installation="安装延误")
    | dict(no_maintenance_plan="无养护计划"),
)
INDICATORS = Layout("utf-8-sig", dict(customer_id="客户编号", at="日期", name="指标", value="数值"))
CAMPAIGN_MEMBERS = Layout(
    "utf-8-sig",
    dict(customer_id="客户编号", campaign_id="活动编号", action="行动", arm="组别")
    | dict(at="分组日期", cost="成本"),
)
CONTACT_LOG = Layout(
    "gb18030",
    dict(listed_on="名单日期", customer_id="客户编号", action="行动", at="执行日期")
    | dict(channel="渠道", owner="负责人", result="结果"),
)
CONSENTS = Layout(
    "utf-8-sig", dict(customer_id="客户编号", channel="渠道", given="是否同意", at="日期")
)
POINTS = Layout(
    "utf-8-sig",
    dict(customer_id="会员编号", at="变动日期", kind="变动类型", points="积分", order_id="订单号"),
)
REFERRALS = Layout(
    "gb18030", dict(customer_id="推荐人编号", referred_id="新客户编号", at="推荐日期")
)
LEADS = Layout(
    "utf-8-sig",
    dict(lead_id="线索编号", created_on="创建日期", source="来源", owner="负责人", stage="阶段")
    | dict(stage_at="进入阶段日期", value="预计金额", customer_id="客户编号")
    | dict(closed_on="关闭日期", outcome="结果", region="地区"),
    "%Y/%m/%d",
)
MENTIONS = Layout(
    "utf-8-sig",
    dict(at="发布时间", channel="平台", text="正文", customer_id="客户编号", score="评分"),
)
