"""Churn: customers who become inactive, and contracts that end."""
