"""Customer types, and all customers together."""

from __future__ import annotations

import pandas as pd

from cvm_analysis.tables import ALL


def add_all(rows: pd.DataFrame) -> pd.DataFrame:
    """Repeat the rows of all customer types as those of type `all`."""
    return pd.concat([rows, rows.assign(customer_type=ALL)], ignore_index=True)
