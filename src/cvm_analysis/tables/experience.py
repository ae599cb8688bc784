"""Result tables of what customers say, and whom they bring."""

from cvm_analysis.tables.shape import (
    CUSTOMER,
    Table,
    count,
    date,
    days,
    money,
    number,
    share,
    text,
    yes_no,
)

_DIMENSION = text("nps, or a dimension of satisfaction or complaints: product, after_sale, ...")
_GROUP = text("what divides customers: all, segment, region, channel, ...")
_LEVEL = text("code of the segment, region, ...; all")
EXPERIENCE = {
    "experience": Table(
        "one row per customer",
        ("customer_id",),
        {
            "customer_id": CUSTOMER,
            "nps": number("last recommendation score, 0 to 10; empty: never answered"),
            "last_answer": date("day of the last answer to a survey"),
            "n_answered": count("days with an answer to a survey in the period"),
            "was_asked": yes_no("whether the customer could answer in the period"),
            "complaints_open": count("complaints not closed by as_of"),
            "complaint_days": days("age of the oldest open complaint; 0 without one"),
            "n_complaints": count("complaints so far"),
        },
        company="rows",
        others="number",  # satisfaction_<dimension>: the last score, 1 to 5
    ),
    "survey_scores": Table(
        "one row per dimension, group, level and period",
        ("dimension", "group", "level", "period_days", "until"),
        {
            "dimension": _DIMENSION,
            "group": _GROUP,
            "level": _LEVEL,
            "period_days": days("length of the period"),
            "until": date("last day of the period"),
            "n_answers": count("answers in the period"),
            "n_customers": count("customers who gave them"),
            "effective_n": number("customers of equal weight that would tell as much (Kish)"),
            "score": number("NPS, -100 to 100, or mean satisfaction, 1 to 5; weighted"),
            "unweighted": number("the same without weights"),
            "top_share": share("of promoters (9, 10) or of satisfied (4, 5), weighted"),
            "bottom_share": share("of detractors (0 to 6) or of dissatisfied (1, 2), weighted"),
            "se": number("standard error of the score, clustered by customer"),
            "low": number("lower end of the 95% interval, customers as a sample; empty: too few"),
            "high": number("upper end of the same"),
            "period_low": number("lower end for the known customers of the period alone"),
            "period_high": number("upper end of the same"),
            "score_change": number("score less that of the period before"),
            "change_low": number("lower end of the 95% interval of the change"),
            "change_high": number("upper end of the same"),
            "change_p": number("p value of no change"),
            "change_q": number("p value corrected for all changes of the period"),
            "rank": count(
                "1 is the level with the highest score of the group and period; 0: too few"
            ),
            "score_rest": number("score less that of all other levels together"),
            "rest_low": number("lower end of the 95% interval of this difference"),
            "rest_high": number("upper end of the same"),
            "rest_p": number("p value of no difference"),
            "rest_q": number("p value corrected for all such differences of the period"),
        },
    ),
    "response_rates": Table(
        "one row per class of customers and period",
        ("group", "level", "period_days", "until"),
        {
            "group": _GROUP,
            "level": _LEVEL,
            "period_days": days("length of the period"),
            "until": date("last day of the period"),
            "n_asked": count("customers who could answer"),
            "n_answered": count("of them, who answered"),
            "response_rate": share("n_answered / n_asked"),
            "low": number("lower end of the 95% interval of the rate"),
            "high": number("upper end of the same"),
            "weight": number("mean weight of those who answered; 1 on average"),
        },
    ),
    "drivers": Table(
        "one row per outcome and dimension of satisfaction",
        ("outcome_name", "dimension"),
        {
            "outcome_name": text("purchase (coming back) or margin, within the horizon"),
            "dimension": _DIMENSION,
            "rank": count("1 is the strongest candidate for a test, not a proven cause"),
            "effect": number(
                "of one standard deviation of the score: log odds of a purchase, or margin; other "
                "scores, recency, pace and value being equal"
            ),
            "low": number("lower end of the 95% interval of the effect"),
            "high": number("upper end of the same"),
            "p_value": number("of no effect"),
            "q_value": number("p value corrected for the number of dimensions of the outcome"),
            "p_first": share("of resamples of customers in which it ranks first"),
            "score_sd": number("standard deviation of the score"),
            "n_customers": count("customers with a score at a landmark"),
        },
    ),
    "complaint_times": Table(
        "one row per group and level of complaints",
        ("group", "level"),
        {
            "group": text("what divides complaints: all, dimension, product, region"),
            "level": _LEVEL,
            "n_complaints": count("complaints so far"),
            "n_customers": count("customers who complained"),
            "complaints_open": count("complaints not closed by as_of"),
            "n_overdue": count("open for longer than the target"),
            "complaint_days": days("age of the oldest open complaint; 0 without one"),
            "median_days": days("until half are closed (Kaplan-Meier); empty: not reached"),
            "closed_within": share("closed within the target (Kaplan-Meier; open ones censored)"),
            "low": number("lower end of the 95% interval of closed_within"),
            "high": number("upper end of the same"),
            "repeated_share": share("of complaints that follow another of the customer closely"),
            "margin_at_stake": money("of customers with an open complaint, each once"),
        },
    ),
    "after_complaints": Table(
        "one row per group and level of complaints",
        ("group", "level"),
        {
            "group": text("what divides complaints: all, dimension, product, region"),
            "level": _LEVEL,
            "n_complaints": count("complaints whose horizon has passed"),
            "n_matched": count("of them, with comparable customers"),
            "n_others": count("comparable customers and days"),
            "left_share": share("of matched complaints: no purchase within the horizon after"),
            "left_share_others": share("of comparable customers: the same, equally divided"),
            "difference": number("left_share less left_share_others; not an effect"),
            "low": number("lower end of the 95% interval of the difference"),
            "high": number("upper end of the same"),
        },
    ),
}
