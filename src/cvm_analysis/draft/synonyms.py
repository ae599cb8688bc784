"""What others call our columns: the one table of header names, English and Chinese.

A name stands here in lower case, without blanks, signs and what is in brackets (`Member No.` is
`memberno`, `金额(元)` is `金额`). Of two headers that fit, the one named earlier is taken.
"""

from __future__ import annotations

import re
from types import MappingProxyType

_CUSTOMER = """
    customerid custid customerno customernumber customercode customer clientid clientno client
    memberid memberno membernumber membercode member userid userno username user uid buyerid
    buyer shopperid accountid accountno account contactid loyaltyid personid cardno openid
    客户编号 客户号 客户编码 客户代码 客户id 会员编号 会员号 会员卡号 会员id 会员编码 会员代码
    用户编号 用户id 用户号 顾客编号 顾客号 顾客id 买家id 买家会员名 买家昵称 卡号 客户 会员 用户
    顾客 买家 用户名 客户名称 手机号 手机号码 手机 电话
"""
_DAY = "date day datetime timestamp createdat asof 日期 时间 创建时间 创建日期"

HEADERS = MappingProxyType(
    {
        "transactions": {
            "customer_id": _CUSTOMER,
            "ordered_at": """
                orderedat orderdate ordertime orderdatetime orderpurchasetimestamp invoicedate
                purchasedate purchasetime purchasedat transactiondate transactiontime saledate
                salesdate soldat paymentdate paidat dateoforder 下单时间 下单日期 订单时间
                订单日期 订单创建时间 交易时间 交易日期 成交时间 付款时间 付款日期 支付时间
                销售日期 销售时间 购买日期 购买时间 消费日期 消费时间 开票日期 订单付款时间
            """
            + _DAY
            + " time",
            "amount": """
                netamount amountnet netsales netrevenue amountpaid paidamount payamount
                lineamount linetotal salesamount salesvalue orderamount ordertotal ordervalue
                transactionamount totalamount totalprice totalsales amount amt sales revenue
                turnover total spend spent dollarvalue dollars paymentvalue payment value
                实付金额 实收金额 实付款 实际支付金额 买家实际支付金额 支付金额 付款金额
                成交金额 销售金额 销售额 订单金额 交易金额 消费金额 总金额 合计金额 总价 金额
                合计 小计 营业额
            """,
            "order_id": """
                orderid orderno ordernumber ordercode invoiceno invoiceid invoicenumber invoice
                transactionid transactionno receiptid receiptno receipt basketid ticketid order
                订单编号 订单号 订单id 单号 单据编号 单据号 销售单号 交易号 交易编号 流水号
                小票号 发票号
            """,
            "product_id": """
                productid productcode productno sku skuid stockcode itemid itemno itemcode
                articleno ean upc barcode asin 商品编号 商品编码 商品代码 商品id 产品编号
                产品编码 货号 物料编码 条码
            """,
            "product": """
                product productname item itemname description itemdescription productdescription
                article title 商品名称 商品 产品名称 产品 品名 货品名称 宝贝标题 商品标题
            """,
            "category": """
                category productcategory categoryname productcategoryname productline
                producttype department 品类 类别 商品类别 商品分类 产品类别 产品分类 分类 产品线
                大类
            """,
            "quantity": """
                quantity qty units unitssold pieces pcs numberofitems numberofcds 数量 件数
                销售数量 购买数量 商品数量 销量
            """,
            "unit_price": """
                unitprice priceperunit price sellingprice itemprice 单价 销售单价 成交单价
                商品单价 售价 价格
            """,
            "discount": """
                discountamount discounttotal discount rebate 折扣金额 优惠金额 优惠 折让金额
            """,
            "cost": """
                cost linecost costamount totalcost cogs costofgoods 成本 成本金额 成本额 总成本
            """,
            "channel": """
                channel saleschannel orderchannel platform source 渠道 销售渠道 订单渠道
                订单来源 平台 来源
            """,
            "promised_on": """
                promisedon promiseddate promiseddelivery estimateddeliverydate
                orderestimateddeliverydate expecteddeliverydate 承诺送达日 承诺送达日期
                预计送达日期 预计送达时间 承诺交期
            """,
            "delivered_on": """
                deliveredon delivereddate deliveredat actualdeliverydate
                orderdeliveredcustomerdate 实际送达日 实际送达日期 送达日期 签收日期 签收时间
            """,
        },
        "feedback": {
            "customer_id": _CUSTOMER,
            "at": """
                answeredat answeredon responsedate surveydate reviewdate feedbackdate
                complaintdate 反馈日期 反馈时间 投诉日期 投诉时间 评价日期 评价时间 调查日期
                回访日期
            """
            + _DAY,
            "kind": "kind feedbacktype surveytype type 反馈类型 调查类型 类型 类别",
            "dimension": "dimension topic subject aspect theme 维度 主题 方面 投诉类型",
            "score": "score npsscore csatscore rating stars grade 分数 评分 得分 打分 满意度",
            "text": """
                text comment comments feedback message review verbatim remarks 内容 评论 意见
                反馈内容 投诉内容 评价内容 备注
            """,
            "closed_at": """
                closedat closedon closeddate resolvedat resolvedon resolveddate 关闭日期
                关闭时间 解决日期 解决时间 结案日期
            """,
        },
        "contracts": {
            "customer_id": _CUSTOMER,
            "contract_id": """
                contractid contractno contractnumber contract subscriptionid policyno 合同号
                合同编号 合同id 合同
            """,
            "started_on": """
                startedon startedat startdate contractstart contractstartdate begindate
                effectivedate start 开始日期 合同开始日期 起始日期 生效日期 签约日期
            """,
            "ended_on": """
                endedon endedat enddate contractend contractenddate terminationdate terminatedon
                cancelledon cancelledat end 结束日期 合同结束日期 终止日期 解约日期
            """,
        },
        "indicators": {
            "customer_id": _CUSTOMER,
            "at": _DAY,
            "name": "name indicator metric kpi figure measure 指标 指标名称 名称",
            "value": "value figurevalue metricvalue 数值 指标值 值",
        },
        "customers_raw": {
            "customer_id": _CUSTOMER + " id 编号",
            "customer_type": """
                customertype clienttype accounttype type 客户类型 客户类别 客户性质 类型
            """,
            "joined_on": """
                joinedon joinedat joindate joineddate registrationdate registeredat registeredon
                signupdate membersince createdat 入会日期 入会时间 注册日期 注册时间 加入日期
                建档日期
            """,
            "birth_date": "birthdate dateofbirth dob birthday 出生日期 生日",
            "gender": "gender sex 性别",
            "occupation": "occupation job profession 职业",
            "income_band": "incomeband income incomelevel 收入 收入水平 收入区间",
            "industry": "industry sector 行业 所属行业",
            "company_size": "companysize employees numberofemployees 企业规模 公司规模 员工人数",
            "city": "city customercity town 城市 所在城市",
            "channel": """
                channel acquisitionchannel source 渠道 获客渠道 来源 来源渠道 注册渠道
            """,
            "consent": "consent optin marketingconsent 营销许可 同意营销 是否同意营销",
        },
    }
)
REGIONS = """
    region salesregion regionname area territory province state customerstate market country
    countryname branch 大区 地区 区域 销售区域 销售大区 所属区域 省份 省 所在省份 国家 分公司
"""
KNOWN_REGIONS = MappingProxyType(
    {
        "华东": "East",
        "华南": "South",
        "华北": "North",
        "华中": "Central",
        "西南": "Southwest",
        "东北": "Northeast",
        "西北": "Northwest",
    }
)
CURRENCIES = MappingProxyType(
    {
        "CNY": r"[¥￥元]|人民币|\b(rmb|cny)\b",
        "USD": r"\$|dollar|\busd\b",
        "EUR": r"€|\beuros?\b|\beur\b",
        "GBP": r"£|\bgbp\b",
    }
)


def normalise(header: str) -> str:
    """Write a header as the names above: `Member No.` -> `memberno`."""
    outside = re.sub(r"[(（\[【].*?[)）\]】]", "", header)
    return re.sub(r"[\W_]+", "", outside.casefold())


def match(headers: list[str], names: str) -> list[str]:
    """Give the headers that `names` (a cell of the table above) knows, the best first."""
    order = {name: i for i, name in enumerate(names.split())}
    known = [header for header in headers if normalise(header) in order]
    return sorted(known, key=lambda header: order[normalise(header)])
