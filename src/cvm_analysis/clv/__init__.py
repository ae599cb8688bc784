"""What each customer is worth from here on: purchase histories, models of them, spend, value."""

NAIVE = ("own_rate", "last_period", "recency_rule")  # codes of the forecasts that need no fitting
