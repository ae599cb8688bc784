"""Result tables of how the business did: against the year before, and why."""

from cvm_analysis.tables.shape import Table, count, date, days, money, number, share, text, yes_no

_REGION = text("a key of the config's regions, or all")
_TYPE = text("retail, project or dealer; all: their sum")
PERFORMANCE = {
    "sales_trend": Table(
        "one row per region, customer type and period: calendar quarter, or month in a short log",
        ("region", "customer_type", "period_start"),
        {
            "region": _REGION,
            "customer_type": _TYPE,
            "period_start": date("first day of the quarter or month"),
            "n_days": days("of the period up to as_of; fewer than the whole only in the last one"),
            "net_sales": money("net sales of these days"),
            "net_sales_before": money("of the same days a year before; empty: not recorded"),
            "margin": money("net sales less cost; only where it is known", optional=True),
            "margin_before": money("of the same days a year before", optional=True),
            "n_orders": count("distinct orders with a positive line"),
            "n_customers": count("customers who bought"),
        },
        company="beside",
    ),
    "year_on_year": Table(
        "one row per region, customer type and figure that can be told",
        ("region", "customer_type", "figure"),
        {
            "region": _REGION,
            "customer_type": _TYPE,
            "figure": text(
                "net_sales, margin, n_active, kept_share, n_new, n_orders, orders_per_customer, "
                "value_per_order, return_share, late_share, complaints_per_100, nps; see "
                "performance/figures.py"
            ),
            "value": number("of the 12 months up to as_of, in the unit of the figure"),
            "before": number("of the 12 months before; empty: not recorded"),
            "before_last": number("of the 12 months before those; empty: not recorded"),
            "low": number("lower end of the 90% interval of value less before, by customers"),
            "high": number("upper end of the same"),
            "p_value": number("of no change"),
            "beyond_chance": yes_no("changed, at a false discovery rate of 5% over the table"),
        },
        company="beside",
    ),
    "sales_change": Table(
        "one row per customer type and factor of net sales; none without an earlier year",
        ("customer_type", "factor"),
        {
            "customer_type": _TYPE,
            "factor": text("customers, orders_per_customer or value_per_order; their product"),
            "value": number("of the 12 months up to as_of"),
            "before": number("of the 12 months before"),
            "effect": number("change of net sales by it, in the currency; the three add up to it"),
            "low": number("lower end of the 90% interval of the effect, by customers"),
            "high": number("upper end of the same"),
            "p_value": number("of no effect"),
            "beyond_chance": yes_no("not 0, at a false discovery rate of 5% over the table"),
        },
    ),
    "concentration": Table(
        "one row per customer type and share of its customers, the largest first",
        ("customer_type", "share_customers"),
        {
            "customer_type": _TYPE,
            "share_customers": share("of customers with a purchase or return in the 12 months"),
            "share_net_sales": share("of their net sales; above 1 where others only returned"),
            "gini": number("Gini coefficient of the type; the same in all its rows"),
        },
    ),
}
