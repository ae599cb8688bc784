"""Customer value management: from raw transactions to a report for every region."""

__version__ = "0.2.0"
