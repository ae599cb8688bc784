"""Names, weights and limits in the config and the rule files, with file and line."""

import pytest
from sample_config import change, line_of, refused, with_covariates, with_plan

from cvm_analysis import validate
from cvm_analysis.errors import ConfigError
from cvm_analysis.intake import table_rules


@pytest.mark.parametrize(
    ("old", "new", "setting", "said"),
    [
        # r3 f4 is loyal's, every m: 5 combinations, now also need_attention's
        (
            "{r: 3, f: 3}",
            "{r: 3, f: 3-4}",
            "need_attention:",
            "5 of 125 combinations of scores have more than one name, the first r3 f4 m1 "
            "(loyal and need_attention)",
        ),
        (
            "{r: 4, f: 1}",
            "{r: 4, f: 1, m: 1-4}",
            "  segments:",
            "1 of 125 combinations of scores have no name, the first r4 f1 m5",
        ),
        ("{r: 5, f: 1}", "{r: 6, f: 1}", "new:", "new: '6' is outside the scores 1 to 5"),
    ],
)
def test_a_hole_or_an_overlap_of_segments_is_named_with_its_place(config, old, new, setting, said):
    change(config / "segments.yaml", old, new)
    line = line_of(config / "segments.yaml", setting)
    (found,) = refused(config)
    assert found.startswith(f"segments.yaml line {line}: rfm.segments: {said}")


def test_a_hole_and_an_overlap_are_two_problems(config):
    change(config / "segments.yaml", "{r: 1, f: 1-2, active", "{r: 1-2, f: 1, active")
    hole, overlap = refused(config)  # r1 f2 has no name, r2 f1 has two, each for five m
    assert "5 of 125 combinations of scores have no name, the first r1 f2 m1" in hole
    assert "5 of 125 combinations of scores have more than one name" in overlap
    assert "r2 f1 m1 (hibernating and lost)" in overlap


def test_names_instead_and_weights_of_a_type_are_checked(config):
    file = config / "segments.yaml"
    name = change(file, "lapsed: hibernating}\n    potential", "lapsed: gone}\n    potential")
    line = change(
        file,
        "  loyal: auto ",
        "  weights_of: {dealer: {tenure: 0.5, indicators.growth: 0.4}}\n  loyal: auto ",
    )
    assert refused(config) == [
        f"segments.yaml line {name}: rfm.segments: loyal: lapsed: no segment 'gone'",
        f"segments.yaml line {line}: indicators: the weights sum to 0.9; they must sum to 1",
    ]


def test_cut_points_and_weights_of_loyalty_are_checked(config):
    file = config / "segments.yaml"
    cuts = change(file, "cut_points: company", "cut_points: {f: [2, 3, 5], m: [1, 2, 9, 3]}")
    weights = change(file, "{repeat: 0.3,", "{repeat: 0.4,")
    assert refused(config) == [
        f"segments.yaml line {cuts}: rfm.cut_points: f: 5 scores need 4 numbers, not 3",
        f"segments.yaml line {cuts}: rfm.cut_points: m: the numbers must rise: more is better",
        f"segments.yaml line {weights}: indicators: the weights sum to 1.1; they must sum to 1",
    ]


def test_a_measure_of_groups_that_no_table_has_is_named_with_its_line(config):
    file = config / "segments.yaml"
    line = change(file, "shares_of: [category]", "shares_of: [categories]")
    other = change(file, "attributes: [channel]", "attributes: [chanel]")
    assert refused(config) == [
        f"segments.yaml line {other}: no column 'chanel'; did you mean 'channel'?",
        f"segments.yaml line {line}: no column 'categories'; did you mean 'category'?",
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "column: indicators.credit_score, weight: 0.20",
            "column: indicators.credit_score, weight: 0.25",
            "project.indicators: the weights sum to 1.05; they must sum to 1",
        ),
        (
            "{column: net_sales_365d, per: indicators.sales_target",
            "{column: net_sale_365d, per: indicators.sales_target",
            "dealer.indicators.sales.column: no column 'net_sale_365d'; did you mean "
            "'net_sales_365d'",
        ),
        (
            "[[30, 100], [60, 60], [90, 20]]",
            "[[30, 100], [60, 60], [90, 70]]",
            "project.indicators.payment.bands: low values are better, so the points must fall",
        ),
    ],
)
def test_a_wrong_scorecard_is_named_with_its_line(config, old, new, said):
    line = change(config / "scorecards.yaml", old, new)
    (found,) = refused(config)
    place, _, rest = found.partition(": ")
    assert rest.startswith(said)
    assert "weights" in said or place == f"scorecards.yaml line {line}"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{column: in_stage, weight", "{column: in_stages, weight",
         "leads.indicators.in_stage.column: no column 'in_stages'; did you mean 'in_stage'?"),
        ("{column: source, weight: 0.3,", "{column: source, weight: 0.4,",
         "leads.indicators: the weights sum to 1.1; they must sum to 1"),
    ],
)  # fmt: skip
def test_a_wrong_scorecard_of_leads_is_named_with_its_line(config, old, new, said):
    line = change(config / "scorecards.yaml", old, new)
    (found,) = refused(config)
    place, _, rest = found.partition(": ")
    assert rest == said
    assert "weights" in said or place == f"scorecards.yaml line {line}"


def test_the_shares_of_a_quota_are_called_as_they_are_written(config):
    file = config / "scorecards.yaml"
    text = file.read_text("utf-8")
    file.write_text(text.replace("quota: {A: 0.1, B: 0.3, C: 0.6}", "quota: {A: 0.1, B: 0.3}", 1))
    line = line_of(file, "quota: {A: 0.1, B: 0.3}")
    assert refused(config) == [
        f"scorecards.yaml line {line}: retail.quota: the shares sum to 0.4; they must sum to 1"
    ]


def test_attributes_for_forecasts_are_mapped_texts_or_the_first_channel(config):
    """occupation is one of ours that this file does not map; joined_on is a date."""
    with_covariates(config, "gender, industry, city, first_channel, region")
    assert validate.check(config / "sample.yaml").value.covariates[3] == "first_channel"
    change(config / "sample.yaml", "[gender, industry", "[gendre, joined_on, occupation, nps")
    line = line_of(config / "sample.yaml", "covariates:")
    found = refused(config)
    place = f"sample.yaml line {line}: no attribute of customers"
    assert [each.partition(";")[0] for each in found] == [
        f"{place} '{name}'" for name in ("gendre", "joined_on", "occupation", "nps")
    ]
    assert found[0].endswith("did you mean 'gender'?")


def test_a_first_channel_needs_a_channel_of_sales(config):
    file = config / "sample.yaml"
    line = with_covariates(config, "first_channel")
    text = file.read_text("utf-8").replace(
        "        channel: 渠道\n        promised", "        promised"
    )
    file.write_text(text.replace("        channel: Channel\n", ""), "utf-8")
    (found,) = refused(config)
    assert found.startswith(f"sample.yaml line {line - 2}: no attribute of customers 'first_ch")


def test_a_limit_for_a_rule_that_does_not_exist(config):
    line = change(config / "sample.yaml", "{default: 0.02}", "{default: 0.02, no_dates: 0.1}")
    assert refused(config) == [
        f"sample.yaml line {line}: no rule 'no_dates'; did you mean 'no_date'?"
    ]


def test_every_rule_that_sets_rows_aside_can_have_a_limit(config):
    limits = ", ".join(f"{name}: 0.1" for name in dict.fromkeys(table_rules.gates()))
    change(config / "sample.yaml", "{default: 0.02}", f"{{{limits}}}")
    validate.check(config / "sample.yaml")


def test_words_for_what_is_no_column(config):
    line = change(
        config / "sample.yaml", "  category:\n    flooring: {en", "  categry:\n    flooring: {en"
    )
    (found,) = refused(config)
    assert found.startswith(f"sample.yaml line {line}: no section or column 'categry'; did")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("action: call_overdue", "action: call_overdu",
         "line 4: no action 'call_overdu'; did you mean 'call_overdue'?"),
        ("    owner: stores", "    owner: store",
         "line 7: no owner 'store'; did you mean 'stores'?"),
        ("region: east", "region: eest", "line 4: no region 'eest'; did you mean 'east'?"),
        ("region: east, ", "", "line 6: line 1 of the plan is also call_overdue for the company"),
        ("contacts: 20", "contacts: 0", "line 5: lines.0.target.contacts: input should be"),
        ("{money: 9000}", "{}", "line 10: lines.1.target: write contacts or money, one of the two"),
        ("budget: 500", "budgets: 500",
         "line 4: unknown setting 'budgets'; did you mean 'budget'?"),
        ("2026-03-31", "soon", "line 4: lines.0.due_on: input should be a valid date"),
    ],
)  # fmt: skip
def test_a_line_of_the_plan_that_cannot_be_is_an_error_with_its_place(config, old, new, said):
    with pytest.raises(ConfigError) as error:
        validate.check(with_plan(config, old, new))
    assert f"plan.yaml {said}" in str(error.value)


@pytest.mark.parametrize(
    ("written", "at", "said"),
    [
        (
            "alerts:\n  rules:\n    - {figure: late_shares, above: 0.1}\n",
            2,
            "alerts.rules: no figure 'late_shares'; did you mean 'late_share'?",
        ),
        (
            "alerts:\n  rules:\n    - {figure: nps, below: 0}\n    - {figure: nps}\n",
            3,
            "alerts.rules: the rule of nps has no limit; give one of below, above, falls_by, "
            "rises_by, beyond_chance: true",
        ),
        (
            "alerts:\n  rules:\n    - {figure: nps, falls_by: -0.1}\n",
            2,
            "alerts.rules.0.falls_by: input should be greater than 0, not -0.1",
        ),
        (
            "alerts:\n  key_account: 0.1\n",
            1,
            "unknown setting 'key_account'; did you mean 'key_account_share'?",
        ),
    ],
)
def test_a_rule_of_alerts_that_cannot_be_used_is_an_error_with_its_line(config, written, at, said):
    path = config / "sample.yaml"
    lines = len(path.read_text("utf-8").splitlines())
    with path.open("a", encoding="utf-8") as f:
        f.write(written)
    assert refused(config) == [f"sample.yaml line {lines + 1 + at}: {said}"]


def test_rules_of_alerts_are_read_with_their_limits(config):
    with (config / "sample.yaml").open("a", encoding="utf-8") as f:
        f.write(
            "alerts: {min_customers: 50, rules: [{figure: nps, below: 0}], missing_days: null}\n"
        )
    alerts = validate.check(config / "sample.yaml").business.alerts
    assert (alerts.min_customers, alerts.missing_days) == (50, None)
    assert [(rule.figure, rule.below, rule.beyond_chance) for rule in alerts.rules] == [
        ("nps", 0.0, False)
    ]
