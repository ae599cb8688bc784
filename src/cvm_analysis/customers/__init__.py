"""Tables of customers, and their purchases over time, from transactions."""

from cvm_analysis.customers.activity import largest_days, monthly, purchase_days, retention
from cvm_analysis.customers.indicators import histories, latest, mix, rfm_measures
from cvm_analysis.customers.resample import with_copied_days
from cvm_analysis.customers.table import as_of

__all__ = [
    "as_of",
    "histories",
    "largest_days",
    "latest",
    "mix",
    "monthly",
    "purchase_days",
    "retention",
    "rfm_measures",
    "with_copied_days",
]
