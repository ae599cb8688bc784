"""What `cvm check` says before anything runs: each problem with file and line, all at once."""

import re
import shutil
from pathlib import Path

import pytest

from cvm_analysis import prepared, sample, validate
from cvm_analysis.errors import ConfigError
from cvm_analysis.intake import table_rules
from cvm_analysis.intake.prepare import prepare

STRATEGIES = """owners: {sales: {en: Sales, zh: 销售部, capacity: 150}}
actions:
  letter:
    when: {column: n_orders, above: 0}
    owner: sales
    channel: [email]
    effect: {on: purchase, low: 0.2, likely: 0.1, high: 0.3}
    cost: 1
"""
REAL = Path(__file__).parent.parent / "config"


@pytest.fixture(scope="module")
def business(tmp_path_factory):
    """A folder with the raw files and the configs of the sample, as `make report` uses them."""
    folder = tmp_path_factory.mktemp("business")
    sample.make(folder / "data" / "sample", 100)
    shutil.copytree(REAL, folder / "config")
    return folder


@pytest.fixture
def config(business, tmp_path):
    """A copy of the configs that a test may change."""
    shutil.copytree(business / "config", tmp_path / "config")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "sample").symlink_to(business / "data" / "sample")
    return tmp_path / "config"


@pytest.fixture(scope="module")
def tables(business, tmp_path_factory):
    """Its prepared tables, in which customers have their day of birth as an attribute `born`."""
    folder = tmp_path_factory.mktemp("made")
    shutil.copytree(business, folder, dirs_exist_ok=True)
    old = "        city: 城市"
    change(folder / "config" / "sample.yaml", old, f"{old}\n        born: 出生日期")
    prepare(validate.check(folder / "config" / "sample.yaml"))
    return folder / "data" / "prepared"


@pytest.fixture
def prepared_config(config, tables):
    """A copy of the configs, with prepared tables."""
    shutil.copytree(tables, config.parent / "data" / "prepared", symlinks=True)
    return config


def change(path, old, new):
    """Change one place of a file and return its line."""
    text = path.read_text("utf-8")
    assert text.count(old) == 1, f"{path.name} has {old!r} {text.count(old)} times"
    path.write_text(text.replace(old, new), "utf-8")
    return text[: text.index(old)].count("\n") + 1


def line_of(path, text):
    return next(i for i, line in enumerate(path.read_text("utf-8").splitlines(), 1) if text in line)


def refused(config):
    with pytest.raises(ConfigError) as error:
        validate.check(config / "sample.yaml")
    return str(error.value).replace(f"{config}/", "").splitlines()


def test_the_sample_can_be_run(config):
    assert validate.check(config / "sample.yaml").business.business == "Demo Flooring"


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


def test_an_imported_figure_that_nobody_has_is_named_once_the_data_are_there(prepared_config):
    config = prepared_config
    line = change(config / "scorecards.yaml", "indicators.market_share", "indicators.market_shares")
    settings = validate.check(config / "sample.yaml")
    with pytest.raises(ConfigError) as error:
        validate.check_imported(settings)
    assert str(error.value) == (
        f"{config}/scorecards.yaml line {line}: no imported indicator 'market_shares'; "
        "did you mean 'market_share'?"
    )


def with_covariates(config, names):
    """Name attributes for forecasts in the config, and return their line."""
    return change(config / "sample.yaml", "margin: 0.35}", f"margin: 0.35, covariates: [{names}]}}")


def test_a_category_that_nobody_bought_is_named_once_the_data_are_there(prepared_config):
    change(prepared_config / "sample.yaml", "    flooring: {warranty", "    floring: {warranty")
    settings = validate.check(prepared_config / "sample.yaml")
    with pytest.raises(ConfigError) as error:
        validate.check_service(settings)
    assert re.search(
        r"sample\.yaml line \d+: no order line has category 'floring'; did you mean 'flooring'\?$",
        str(error.value),
    )


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


def test_an_attribute_of_too_many_values_is_named_once_the_data_are_there(prepared_config):
    config = prepared_config
    change(
        config / "sample.yaml", "        city: 城市", "        city: 城市\n        born: 出生日期"
    )
    line = with_covariates(config, "born, gender")
    settings = validate.check(config / "sample.yaml")
    n = prepared.open(settings, "all").customers_raw.born.nunique().execute()
    assert n > 30
    with pytest.raises(ConfigError) as error:
        validate.check_covariates(settings)
    assert str(error.value) == (
        f"{config}/sample.yaml line {line}: value.covariates: 'born' has {n} values, and at most "
        "30 are useful; group them or leave it out"
    )
    change(config / "sample.yaml", "[born, gender]", "[first_channel, gender]")
    validate.check_covariates(validate.check(config / "sample.yaml"))


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


def test_a_raw_file_that_is_not_there(config):
    line = change(config / "sample.yaml", "raw/sales_south.csv", "raw/sales_suoth.csv")
    place = config.parent / "data" / "sample" / "raw" / "sales_suoth.csv"
    assert refused(config) == [
        f"sample.yaml line {line}: no file {place}; add it or correct the path"
    ]


def test_a_header_that_the_file_does_not_have(config):
    line = change(config / "sample.yaml", "order_id: Order No", "order_id: Order Nr")
    found = refused(config)  # two files share these columns
    assert len(found) == 2 and all(text.startswith(f"sample.yaml line {line}: ") for text in found)
    assert "sales_south.csv has no column 'Order Nr'; did you mean 'Order No'?" in found[0]


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "an empty file"), (b"\xe5\xae\xa2,x\n\xff\xff,1\n", "decoded")]
)
def test_a_raw_file_that_cannot_be_opened(config, content, said):
    (config.parent / "odd.csv").write_bytes(content)
    line = change(config / "sample.yaml", "../data/sample/raw/sales_south.csv", "../odd.csv")
    found = refused(config)
    assert found[0].startswith(f"sample.yaml line {line}: ")
    assert "odd.csv" in found[0] and said in found[0]


def test_a_column_of_regions_that_a_file_does_not_have(config):
    text = (config / "online_retail.yaml").read_text("utf-8")
    folder = config.parent / "raw"
    folder.mkdir()
    names = "CustomerID,InvoiceNo,StockCode,Description,Quantity,UnitPrice,InvoiceDate,Country"
    for name, header in (("a", names), ("b", names.replace("Country", "Land"))):
        (folder / f"{name}.csv").write_text(header + "\n", "utf-8")
    files = "${CVM_DATA:-../data/raw}/online_retail.csv.gz"
    (config / "sample.yaml").write_text(text.replace(files, "../raw/*.csv"), "utf-8")
    line = line_of(config / "sample.yaml", "from: Country")
    (found,) = refused(config)
    assert found.startswith(f"sample.yaml line {line}: {folder / 'b.csv'} has no column 'Country'")


def test_everything_is_said_at_once(config):
    change(config / "sample.yaml", "raw/sales_south.csv", "raw/sales_suoth.csv")
    change(config / "sample.yaml", "raw/customers.csv", "raw/people.csv")
    change(config / "segments.yaml", "{r: 5, f: 1}", "{r: 4, f: 1}")
    (config / "strategies.yaml").write_text(STRATEGIES, "utf-8")
    found = refused(config)
    assert [line.split(" line ")[0] for line in found] == [
        "segments.yaml",
        "segments.yaml",
        "strategies.yaml",
        "sample.yaml",
        "sample.yaml",
    ]
    assert found[2] == (
        "strategies.yaml line 7: actions.letter.effect: low, likely and high must rise, not "
        "[0.2, 0.1, 0.3]"
    )


def test_a_scorecard_of_a_type_that_nobody_has_does_not_matter(prepared_config):
    """Neither its indicators nor its points are needed; those of the clusters are."""
    config = prepared_config
    file = config / "scorecards.yaml"
    text = file.read_text("utf-8")
    agency = """
  agency:
    - valid_from: 2010-01-01
      grades: {A: 50, B: 0}
      indicators: {deals: {column: indicators.deals, weight: 1, scale: [0, 10]}}
"""
    file.write_text(text.replace("\nscorecards:\n", f"\nscorecards:{agency}", 1))
    settings = validate.check(config / "sample.yaml")
    validate.check_imported(settings)
    old = "[net_sales_per_order, orders_per_year]"
    new = "[orders_per_year, indicators.credit_scores]"
    line = change(config / "segments.yaml", old, new)
    with pytest.raises(ConfigError) as error:
        validate.check_imported(validate.check(config / "sample.yaml"))
    assert str(error.value) == (
        f"{config}/segments.yaml line {line}: no imported indicator 'credit_scores'; "
        "did you mean 'credit_score'?"
    )


def rename_column(config, name, to, more=""):
    """Rename one of our columns of the customers' file, and return its line."""
    old = f"        {name}: "
    return change(config / "sample.yaml", old, f"{more}        {to}: ")


def test_a_column_of_your_own_that_looks_misspelt_is_warned_of_and_still_valid(config):
    assert validate.warnings(validate.check(config / "sample.yaml")) == []
    line = rename_column(config, "customer_type", "custmer_type")
    rename_column(config, "city", "citizen")
    found = validate.warnings(validate.check(config / "sample.yaml"))
    assert [each.replace(f"{config}/", "") for each in found] == [
        f"sample.yaml line {line}: 'custmer_type' is read as a column of your own; did you mean "
        "'customer_type'?"
    ]


def test_a_column_beside_the_one_it_resembles_is_no_mistake(config):
    rename_column(config, "city", "city", more="        city2: 城市\n")
    assert validate.warnings(validate.check(config / "sample.yaml")) == []


PLAN = """\
starts_on: 2026-01-01
budget: 900
lines:
  - {action: call_overdue, owner: stores, region: east, budget: 500, due_on: 2026-03-31,
     target: {contacts: 20}}
  - action: call_overdue
    owner: stores
    budget: 500
    due_on: 2026-03-31
    target: {money: 9000}
"""


def with_plan(config, old="", new=""):
    """The config of the sample with a plan beside it, one place of which is another."""
    assert old in PLAN
    (config / "plan.yaml").write_text(PLAN.replace(old, new, 1), "utf-8")
    with (config / "sample.yaml").open("a", encoding="utf-8") as f:
        f.write("plan: plan.yaml\n")
    return config / "sample.yaml"


def test_a_plan_is_read_with_the_config_and_its_budget_added_up(config):
    settings = validate.check(with_plan(config))
    assert config / "plan.yaml" in settings.files
    assert [line.region for line in settings.plan.lines] == ["east", "all"]
    said = f"{config / 'plan.yaml'} line 2: the 2 lines add up to 1,000.00, 100.00 more"
    assert any(text.startswith(said) for text in validate.warnings(settings))


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


def test_a_spark_that_is_not_installed_is_named_with_its_line(config, monkeypatch, tmp_path):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    line = change(
        config / "sample.yaml", "pseudonyms: off", "engine:\n  spark: local[2]\npseudonyms: off"
    )
    (said,) = refused(config)
    assert re.match(
        rf"sample\.yaml line {line}: Spark needs (pyspark and )?Java: pip install", said
    )
