"""Tables of customers, and their purchases over time, from transactions."""

from cvm_analysis.customers.activity import (
    daily_margin,
    largest_days,
    monthly,
    purchase_days,
    retention,
    year_to_last_order,
)
from cvm_analysis.customers.baskets import NAMED, baskets
from cvm_analysis.customers.indicators import (
    histories,
    in_period,
    latest,
    mix,
    net_sales,
    rfm_measures,
)
from cvm_analysis.customers.one_customer import lines_of
from cvm_analysis.customers.periods import in_periods
from cvm_analysis.customers.resample import with_copied_days
from cvm_analysis.customers.service import count_deliveries, late_deliveries, service_due
from cvm_analysis.customers.table import as_of

__all__ = [
    "NAMED",
    "as_of",
    "baskets",
    "count_deliveries",
    "daily_margin",
    "histories",
    "in_period",
    "in_periods",
    "largest_days",
    "late_deliveries",
    "latest",
    "lines_of",
    "mix",
    "monthly",
    "net_sales",
    "purchase_days",
    "retention",
    "rfm_measures",
    "service_due",
    "with_copied_days",
    "year_to_last_order",
]
