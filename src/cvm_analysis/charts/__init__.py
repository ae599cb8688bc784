"""Table in, picture out: the figures of the reports.

Every function takes one small table and a language and returns a `Picture`; nothing here computes
a statistic that a table does not already hold. Words come from `cvm_analysis.texts`.
"""

from cvm_analysis.charts.acquisition import acquisition
from cvm_analysis.charts.budget import budget_curve
from cvm_analysis.charts.churn import return_rate, survival
from cvm_analysis.charts.churn_by_segment import churn_by_segment
from cvm_analysis.charts.churn_profiles import cohorts, customer_profiles, partial_effect
from cvm_analysis.charts.clusters import cluster_profile
from cvm_analysis.charts.comparisons import four_fifths, predictive_power
from cvm_analysis.charts.concentration import concentration, sales_concentration
from cvm_analysis.charts.customers import monthly, retention
from cvm_analysis.charts.grades import contributions, grade_mix
from cvm_analysis.charts.margin import margin_by_segment
from cvm_analysis.charts.models import calibration, deciles, holdout, p_alive, tracking
from cvm_analysis.charts.picture import Picture
from cvm_analysis.charts.products import product_pairs
from cvm_analysis.charts.rates import rates
from cvm_analysis.charts.risk import hazards, reliability, risk_groups
from cvm_analysis.charts.sales import regions, sales_trend
from cvm_analysis.charts.segments import conversions, rfm_grid, segment_bars
from cvm_analysis.charts.timeline import timeline
from cvm_analysis.charts.transitions import transitions

__all__ = [
    "Picture", "acquisition", "budget_curve", "calibration", "churn_by_segment", "cluster_profile",
    "cohorts", "concentration", "contributions", "conversions", "customer_profiles", "deciles",
    "four_fifths", "grade_mix", "hazards", "holdout", "margin_by_segment", "monthly", "p_alive",
    "partial_effect", "predictive_power", "product_pairs", "rates", "regions", "reliability",
    "retention", "return_rate", "rfm_grid", "risk_groups", "sales_concentration", "sales_trend",
    "segment_bars", "survival", "timeline", "tracking", "transitions",
]  # fmt: skip
