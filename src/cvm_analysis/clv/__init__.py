"""Customer lifetime value: purchase histories, models of purchases and spend, value."""

NAIVE = ("own_rate", "last_period", "recency_rule")  # codes of the naive forecasts
