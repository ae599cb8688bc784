"""What each customer is worth from here on: purchase histories, models of them, spend, value."""
