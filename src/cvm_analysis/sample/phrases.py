"""What customers write: texts with a known tone, put together from phrases.

The tone follows the score but for a few, as people are; some texts hold a phrase of the other tone,
and a few a personal detail of the customer's record.
"""

import numpy as np
import pandas as pd

TONE_AS_SCORED = {"negative": 0.93, "middle": 0.5, "positive": 0.95}  # share with the score's tone
MIXED = 0.15  # of the texts have a phrase of the other tone as well
PERSONAL = 0.006  # of the texts hold a personal detail

NEGATIVE = (
    *("地板色差很明显", "边缘有好几处缺口", "铺完没多久就起翘", "踩上去有响声", "刚打开味道很重"),
    *("介绍的规格和实物不符", "销售答应的事没兑现", "问了几次都没人解答", "样品和到货差太多"),
    *("送货时间一再推迟", "等了快一个月才到", "送来的数量不对", "司机态度很差", "包装破损严重"),
    *("安装师傅很不专业", "装完一地垃圾没人收", "报修以后没人回访", "售后电话打不通"),
    *("同款别处便宜不少", "加收的费用事先没说", "价格虚高不值", "退货拖着不处理"),
)
POSITIVE = (
    *("颜色比图片还好看", "纹理自然很有质感", "脚感舒服不冰", "没有什么气味", "拼缝很严实"),
    *("销售讲解很耐心", "给的搭配建议很实用", "报价清楚没有套路", "样品和到货一致"),
    *("送货比约定还早", "包装很结实没有破损", "司机帮忙搬上楼", "数量一片不差"),
    *("安装师傅手艺好", "装完打扫得很干净", "售后主动来回访", "有问题当天就解决"),
    *("性价比很高", "活动价很划算", "价格公道", "已经推荐给朋友", "下次还会再买"),
)
OPENINGS = (
    *(
        "",
        "",
        "",
        "上周刚装好，",
        "买了三十多平，",
        "客厅和卧室都铺了，",
        "第二次购买，",
        "家里老人住，",
    ),
    *(
        "装修公司推荐的，",
        "对比了几家，",
        "朋友介绍来的，",
        "给出租房买的，",
        "用了半年，",
        "在门店订的，",
    ),
)
CLOSINGS = (
    *(
        "",
        "",
        "",
        "。",
        "！",
        "，希望改进",
        "，就这样吧",
        "，供大家参考",
        "，仅代表个人",
        "，先用着看",
    ),
    *("，给后来的人说一下", "，照片就不发了", "，再观察一段时间"),
)
DETAILS = {  # of the customer's record -> how it is written; {0} is the value
    "name": ("我是{0}，", "{0}留言：", "收货人{0}，"),
    "phone": ("请回电{0}，", "电话{0}，", "手机{0}随时可打，"),
    "email": ("发到{0}，", "邮箱{0}，"),
    "address": ("地址{0}，", "住在{0}，"),
}


def compose(is_negative: np.ndarray, rng: np.random.Generator) -> list[str]:
    """Put together a text of each tone: an opening, two phrases of it, perhaps one of the other."""
    phrases = {True: NEGATIVE, False: POSITIVE}
    mixed = rng.random(len(is_negative)) < MIXED
    texts = []
    for bad, other in zip(is_negative, mixed, strict=True):
        said = list(rng.choice(phrases[bool(bad)], 2, replace=False))
        if other:
            said.append(f"不过{rng.choice(phrases[not bad])}")
        opening, closing = rng.choice(OPENINGS), rng.choice(CLOSINGS)
        texts.append(f"{opening}{'，'.join(said)}{closing}")
    return texts


def draw_tone(scored: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw whether a text is negative, of its score's class: negative, middle or positive."""
    agrees = rng.random(len(scored)) < pd.Series(scored).map(TONE_AS_SCORED).to_numpy(float)
    return np.where(scored == "positive", ~agrees, agrees)


def add_details(
    texts: pd.DataFrame, customers: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """Add a personal detail of the customer's record in front of a few texts.

    texts : customer_id, text; customers : customer_id and the columns of `details.details`

    Returns the same rows with `personal`: the column of the detail, empty if there is none.
    """
    records = customers.set_index("customer_id")
    said, kinds = texts["text"].tolist(), [""] * len(texts)
    people = texts["customer_id"].tolist()
    for i in np.flatnonzero(rng.random(len(texts)) < PERSONAL):
        kind = str(rng.choice(list(DETAILS)))
        form = str(rng.choice(DETAILS[kind]))
        value = records.at[people[i], kind] if people[i] in records.index else ""
        if value:
            said[i], kinds[i] = form.format(_as_typed(kind, value, rng)) + said[i], kind
    return texts.assign(text=said, personal=kinds)


def _as_typed(kind: str, value: str, rng: np.random.Generator) -> str:
    """Write a value as people do: a phone in groups, an address without the city."""
    if kind == "phone" and rng.random() < 0.5:
        sign = rng.choice([" ", "-"])
        return f"{value[:3]}{sign}{value[3:7]}{sign}{value[7:]}"
    if kind == "address" and rng.random() < 0.5:
        return value.split("市", 1)[-1]
    return value
