"""Table in, picture out: the figures of the reports.

Every function takes one small table and a language and returns a `Picture`; nothing here computes
a statistic that a table does not already hold. Words come from `cvm_analysis.texts`.
"""

from cvm_analysis.charts.customers import concentration, monthly, retention
from cvm_analysis.charts.models import calibration, holdout, p_alive
from cvm_analysis.charts.picture import Picture
from cvm_analysis.charts.segments import rfm_grid, segment_bars

__all__ = [
    "Picture",
    "calibration",
    "concentration",
    "holdout",
    "monthly",
    "p_alive",
    "retention",
    "rfm_grid",
    "segment_bars",
]
