"""Transactions -> one row per customer, and what customers did over time."""

from cvm_analysis.customers.history import monthly, purchase_days, retention
from cvm_analysis.customers.known import histories, latest, mix, rfm_measures
from cvm_analysis.customers.repeated import repeated
from cvm_analysis.customers.table import as_of

__all__ = [
    "as_of",
    "histories",
    "latest",
    "mix",
    "monthly",
    "purchase_days",
    "repeated",
    "retention",
    "rfm_measures",
]
