"""Demo Flooring: its dates, regions, customer groups and goods, all invented.

Time is in weeks, money in CNY.
"""

from dataclasses import dataclass
from datetime import date

from cvm_analysis.sample.layouts import ERP, OLD_ERP, SHOP, SPREADSHEET, Layout

FIRST_DAY = date(2023, 1, 1)
AS_OF = date(2025, 12, 31)
EXTRACTED_ON = date(2026, 1, 1)
N_DAYS = (AS_OF - FIRST_DAY).days + 1

FREQUENT = 0.06  # purchases per week while active; above it a customer counts as frequent
BIG = 1500.0  # CNY an order on average; above it a customer counts as big
SEASON_OF_FIRST_ORDERS = 0.2  # amplitude of the flow of new customers around its mean

CHANNELS = ("store", "web", "dealer_referral")


@dataclass(frozen=True)
class Region:
    """One region: its size, its customers' behaviour, and the layout of its file."""

    key: str
    zh: str
    code: str
    share: float  # of the company's customers
    growth: float  # yearly exponent of the flow of new customers; 0.45: 57 % more each year
    r: float  # NBD: purchase rate per week ~ Gamma(r, rate alpha)
    alpha: float
    drop_out: float  # hazard per week, before any late delivery or complaint
    late: float  # share of late deliveries
    p: float  # Gamma-Gamma: an order ~ Gamma(p, rate nu) in CNY, nu ~ Gamma(q, rate gamma)
    q: float
    gamma: float
    cities: tuple[str, ...]
    layout: Layout


REGIONS = (
    Region(
        *("east", "华东", "HD", 0.32, 0.05, 0.90, 14.0, 0.0078, 0.08, 6.0, 4.0, 750.0),
        cities=("上海", "杭州", "南京", "苏州", "宁波"),
        layout=ERP,
    ),
    Region(
        *("south", "华南", "HN", 0.22, 0.45, 0.90, 13.0, 0.0050, 0.06, 6.0, 4.0, 700.0),
        cities=("广州", "深圳", "佛山", "厦门"),
        layout=SHOP,
    ),
    Region(
        *("north", "华北", "HB", 0.17, 0.00, 0.80, 15.0, 0.0088, 0.10, 5.5, 4.0, 720.0),
        cities=("北京", "天津", "石家庄", "太原"),
        layout=SPREADSHEET,
    ),
    Region(
        *("central", "华中", "HZ", 0.13, 0.10, 0.75, 16.0, 0.0105, 0.12, 5.5, 4.5, 690.0),
        cities=("武汉", "长沙", "郑州"),
        layout=OLD_ERP,
    ),
    Region(
        *("southwest", "西南", "XN", 0.10, 0.20, 0.70, 17.0, 0.0100, 0.13, 5.0, 4.5, 700.0),
        cities=("成都", "重庆", "昆明"),
        layout=SHOP,
    ),
    Region(
        *("northeast", "东北", "DB", 0.06, -0.50, 0.70, 18.0, 0.0200, 0.22, 5.0, 4.5, 640.0),
        cities=("沈阳", "大连", "哈尔滨"),
        layout=SPREADSHEET,
    ),
)


@dataclass(frozen=True)
class Group:
    """A group of retail customers, defined by FREQUENT and BIG."""

    key: str
    is_frequent: bool
    is_big: bool
    season: float  # amplitude of the purchase rate around its mean, in [0, 1)
    lines: float  # probability of each of three further lines of an order
    discounted: float  # share of lines sold below list price
    categories: dict[str, float]  # relative weights
    channels: tuple[float, float, float]  # probability of each of CHANNELS


def _mix(*weights: float) -> dict[str, float]:
    keys = ("flooring", "underlay", "skirting", "adhesive", "care", "tools")
    return dict(zip(keys, weights, strict=True))


GROUPS = (
    Group("steady_renewers", True, True, 0.15, 0.45, 0.30, _mix(6, 6, 52, 24, 4, 8), (7, 1, 2)),
    Group("care_regulars", True, False, 0.05, 0.20, 0.15, _mix(1, 1, 4, 7, 78, 9), (1, 8, 1)),
    Group(
        "big_ticket_seasonal", False, True, 0.60, 0.60, 0.50, _mix(62, 26, 6, 3, 1, 2), (2, 1, 7)
    ),
    Group(
        "one_off_renovators", False, False, 0.20, 0.30, 0.20, _mix(5, 6, 6, 26, 3, 54), (6, 3, 1)
    ),
)


@dataclass(frozen=True)
class Category:
    """A category of goods."""

    key: str
    margin: float  # share of the list price
    basket: float  # relative size of its lines within an order
    return_share: float  # of its lines
    products: dict[str, float]  # name -> list price


CATEGORIES = (
    Category(
        *("flooring", 0.34, 8.0, 0.050),
        products={"强化地板 8mm": 89.0, "橡木多层地板 15mm": 239.0, "石塑锁扣地板 5mm": 119.0},
    ),
    Category(
        *("underlay", 0.42, 1.5, 0.040),
        products={"静音地垫 2mm": 12.0, "铝膜防潮垫": 9.5, "软木地垫 3mm": 28.0},
    ),
    Category(
        *("skirting", 0.40, 2.0, 0.040),
        products={"踢脚线 60×12,白": 18.0, "实木踢脚线 80mm": 42.0, "铝合金踢脚线": 36.0},
    ),
    Category(
        *("adhesive", 0.45, 1.0, 0.015),
        products={"环保地板胶 10kg": 168.0, "美缝剂": 45.0, "结构胶": 29.0},
    ),
    Category(
        *("care", 0.52, 1.0, 0.010),
        products={"地板精油 500ml": 49.0, "木蜡油 1L": 139.0, "清洁剂 2L": 35.0},
    ),
    Category(
        *("tools", 0.36, 1.5, 0.030),
        products={"安装工具套装": 128.0, "切割锯片": 66.0, "敲板与撬棒": 39.0},
    ),
)
