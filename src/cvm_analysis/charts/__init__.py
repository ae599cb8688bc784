"""Table in, picture out: the figures of the reports.

Every function takes one small table and a language and returns a `Picture`; nothing here computes
a statistic that a table does not already hold. Words come from `cvm_analysis.texts`.
"""

from cvm_analysis.charts.by_segment import by_segment
from cvm_analysis.charts.churn import comebacks, survival
from cvm_analysis.charts.clusters import cluster_profile
from cvm_analysis.charts.compared import four_fifths, screening
from cvm_analysis.charts.customers import concentration, monthly, retention
from cvm_analysis.charts.grades import contributions, grade_mix
from cvm_analysis.charts.inflow import inflow
from cvm_analysis.charts.leaving import cohorts, effect, typical
from cvm_analysis.charts.models import calibration, deciles, holdout, p_alive, tracking
from cvm_analysis.charts.movement import flows
from cvm_analysis.charts.picture import Picture
from cvm_analysis.charts.risk import hazards, reliability
from cvm_analysis.charts.segments import rfm_grid, segment_bars

__all__ = [
    "Picture",
    "by_segment",
    "calibration",
    "cluster_profile",
    "cohorts",
    "comebacks",
    "concentration",
    "contributions",
    "deciles",
    "effect",
    "flows",
    "four_fifths",
    "grade_mix",
    "hazards",
    "holdout",
    "inflow",
    "monthly",
    "p_alive",
    "reliability",
    "retention",
    "rfm_grid",
    "screening",
    "segment_bars",
    "survival",
    "tracking",
    "typical",
]
