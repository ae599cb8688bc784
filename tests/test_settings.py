"""A config is refused with file, line and cure; everything wrong with it in one message."""

import datetime as dt
from pathlib import Path

import pytest

from cvm_analysis import settings as settings_module
from cvm_analysis.errors import ConfigError

REAL = Path(__file__).parent.parent / "config"
BUSINESS = """\
business: Corner Shop
currency: EUR
timezone: Europe/Paris
pseudonyms: off
extracted_on: 2026-01-01
regions:
  east: {match: [Est], en: East, zh: 东}
  west: {match: [Ouest], en: West, zh: 西}
sources:
  transactions:
    - files: ../raw/sales.csv
      region: east
      columns:
        customer_id: Client
        ordered_at: Date
        amount: Somme
  customers:
    - {files: ../raw/people.csv, columns: {customer_id: id, region: pays}}
rules: {stop_above: {default: 0.02}}
value: {horizon_weeks: 52}
"""
SEGMENTS = "rfm:\n  bins: 2\n  segments:\n    best: {r: 2}\n    rest: {r: 1}\n"
STRATEGIES = """\
owners:
  sales: {en: Sales, zh: 销售部, capacity: 150}
actions:
  letter:
    when: {all: [{column: segment, is: best}, {not: {column: nps, below: 7}}]}
    owner: sales
    channel: [email]
    cost: 2
    effect: {on: purchase, low: 0.1, likely: 0.2, high: 0.3}
"""
SCORECARDS = """\
scorecards:
  retail:
    - valid_from: 2020-01-01
      grades: {A: 50, B: 0}
      indicators:
        spend: {column: net_sales, weight: 1, bins: 5}
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "segments.yaml").write_text(SEGMENTS, "utf-8")
    (tmp_path / "scorecards.yaml").write_text(SCORECARDS, "utf-8")
    (tmp_path / "strategies.yaml").write_text(STRATEGIES, "utf-8")
    return tmp_path


def loaded(folder, old="", new="", text=BUSINESS):
    assert old in text
    path = folder / "mine.yaml"
    path.write_text(text.replace(old, new, 1) if old else text, "utf-8")
    return settings_module.load(path)


def refused(folder, old="", new="", text=BUSINESS):
    """The message, one line per thing that is wrong, the folder cut away."""
    with pytest.raises(ConfigError) as error:
        loaded(folder, old, new, text)
    return str(error.value).replace(f"{folder}/", "").splitlines()


@pytest.mark.parametrize("name", ["sample.yaml", "online_retail.yaml"])
def test_the_configs_of_the_project_can_be_read(name):
    settings = settings_module.load(REAL / name)
    rules = ["segments.yaml", "scorecards.yaml", "strategies.yaml"]
    assert [file.name for file in settings.files] == [name, *rules]


def test_a_config_becomes_typed_settings(folder):
    settings = loaded(folder)
    assert settings.business.regions["west"].match == ("Ouest",)
    assert settings.value.horizon_weeks == 52
    assert settings.business.pseudonyms is False
    assert str(settings.business.extracted_on) == "2026-01-01"
    assert settings.segments.rfm.segments["rest"].r == (1, 1)
    assert settings.strategies.owners["sales"].capacity == {"default": 150}
    (action,) = settings.strategies.actions
    assert (action.code, action.channel, action.kind) == ("letter", ("email",), "marketing")
    assert (action.effect.on, action.effect.likely) == ("purchase", 0.2)
    best, satisfied = action.when.all
    assert (best.column, best.is_, satisfied.not_.below) == ("segment", ("best",), 7)


def test_service_needs_a_column_of_order_lines(folder):
    lives = "service: {category: {floor: {warranty_days: 730}}}"
    (said,) = refused(folder, "value: {horizon_weeks: 52}", lives)
    assert said == (
        "mine.yaml line 20: no order lines have 'category'; name its header under columns of "
        "sources.transactions"
    )


def test_the_rule_files_of_the_project_are_what_they_say():
    settings = settings_module.load(REAL / "sample.yaml")
    cards = settings.scorecards.scorecards
    assert sorted(cards) == ["dealer", "project", "retail"]
    now, draft = cards["retail"]
    assert (now.customer_type, now.by_quota) == ("retail", True)
    assert now.grades == {"A": 0.1, "B": 0.3, "C": 0.6}
    assert draft.valid_from == dt.date(2026, 4, 1)
    sales = cards["dealer"][0].indicators[0]
    assert (sales.code, sales.column, sales.per) == (
        *("sales", "net_sales_365d"),
        "indicators.sales_target",
    )
    assert cards["project"][0].indicators[1].bands == ((30, 100), (60, 60), (90, 20))


def test_paths_start_from_the_folder_of_the_config(folder, monkeypatch):
    monkeypatch.chdir("/")
    settings = loaded(folder)
    assert settings.prepared == folder.parent / "data" / "prepared" / "mine"
    assert settings.resolve("../raw/sales.csv") == folder.parent / "raw" / "sales.csv"


def test_settings_cannot_be_changed(folder):
    with pytest.raises(ValueError, match="frozen"):
        loaded(folder).business.currency = "USD"


def test_pseudonyms_are_on_unless_switched_off(folder):
    assert loaded(folder, "pseudonyms: off\n", "").business.pseudonyms is True


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "horizon_weeks",
            "horizon_week",
            "mine.yaml line 20: unknown setting 'horizon_week'; did you mean 'horizon_weeks'?",
        ),
        (
            "zh: 西",
            "zh: 西, cn: 西",
            "mine.yaml line 8: unknown setting 'cn'; known are en, match, zh",
        ),
        (
            "files: ../raw/sales.csv",
            "file: ../raw/sales.csv",
            "mine.yaml line 11: unknown setting 'file'; did you mean 'files'?",
        ),
    ],
)
def test_an_unknown_setting_is_refused_with_the_nearest_name(folder, old, new, said):
    assert refused(folder, old, new)[0] == said


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("currency: EUR\n", "", "mine.yaml: the setting 'currency' is missing"),
        ("en: West, ", "", "mine.yaml line 8: the setting 'en' is missing"),
        (
            "horizon_weeks: 52",
            "horizon_weeks: a year",
            "mine.yaml line 20: value.horizon_weeks: input should be a valid integer, unable to "
            "parse string as an integer, not 'a year'",
        ),
        (
            "horizon_weeks: 52",
            "horizon_weeks: 0",
            "mine.yaml line 20: value.horizon_weeks: input should be greater than 0, not 0",
        ),
        (
            "EUR",
            "eur",
            "mine.yaml line 2: currency: string should match pattern '^[A-Z]{3}$', not 'eur'",
        ),
        (
            "  west:",
            "  West:",
            "mine.yaml line 8: regions.West: use lower-case letters and digits of any script, "
            "and - between them, not 'West'",
        ),
        (
            "default: 0.02",
            "default: 2",
            "mine.yaml line 19: rules.stop_above.default: input should be less than or equal to 1, "
            "not 2",
        ),
        (
            "2026-01-01",
            "2026-02-30",
            "mine.yaml line 5: extracted_on: input should be a valid date or datetime, day value "
            "is outside expected range, not '2026-02-30'",
        ),
        (
            "ordered_at: Date",
            "ordered_at:",
            "mine.yaml line 15: sources.transactions.0.columns.ordered_at: no header; write that "
            "of the file, as in `ordered_at: Header`",
        ),
        (
            "ordered_at: Date",
            "ordered_at: 2025",
            "mine.yaml line 15: sources.transactions.0.columns.ordered_at: write 2025 in quotes",
        ),
        (
            "ordered_at: Date",
            "ordered_at: no",
            "mine.yaml line 15: sources.transactions.0.columns.ordered_at: write Yes, No, True, "
            "False, On and Off in quotes",
        ),
        (
            "horizon_weeks: 52",
            "horizon_weeks: ",
            "mine.yaml line 20: value.horizon_weeks: empty; write a value, or delete the line",
        ),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_where_it_was_written(folder, old, new, said):
    assert refused(folder, old, new) == [said]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "amount: Somme",
            "amuont: Somme",
            "mine.yaml line 16: transactions has no column 'amuont'; did you mean 'amount'?",
        ),
        (
            "      columns:\n",
            "      formats: {orderd_at: '%d.%m.%Y'}\n      columns:\n",
            "mine.yaml line 13: no column 'orderd_at' is mapped; did you mean 'ordered_at'?",
        ),
        (
            "      region: east",
            "      region: eats",
            "mine.yaml line 12: no region 'eats'; did you mean 'east'?",
        ),
        (
            "Europe/Paris",
            "Europe/Pariss",
            "mine.yaml line 3: no time zone 'Europe/Pariss'; did you mean 'Europe/Paris'?",
        ),
        (
            "match: [Ouest]",
            "match: [Est]",
            "mine.yaml line 8: 'Est' already stands for region east; keep one",
        ),
    ],
)
def test_a_name_that_means_nothing_is_refused(folder, old, new, said):
    assert said in refused(folder, old, new)


@pytest.mark.parametrize(
    ("old", "need"),
    [
        ("        customer_id: Client\n", "customer_id"),
        ("        ordered_at: Date\n", "ordered_at"),
        ("        amount: Somme\n", "amount (or quantity and unit_price)"),
    ],
)
def test_what_transactions_cannot_do_without_must_be_mapped(folder, old, need):
    assert refused(folder, old) == [f"mine.yaml line 13: {need} is not mapped"]


def test_quantity_and_price_stand_in_for_the_amount(folder):
    loaded(folder, "amount: Somme", "quantity: Nombre\n        unit_price: Prix")
    assert refused(folder, "amount: Somme", "quantity: Nombre") == [
        "mine.yaml line 13: amount (or quantity and unit_price) is not mapped"
    ]


def test_people_without_an_id_are_refused(folder):
    assert refused(folder, "customer_id: id, ") == ["mine.yaml line 18: customer_id is not mapped"]


def test_everything_wrong_is_said_at_once(folder):
    text = BUSINESS.replace("EUR", "euro").replace("en: West, ", "")
    assert refused(folder, "horizon_weeks", "horizon_week", text) == [
        "mine.yaml line 2: currency: string should match pattern '^[A-Z]{3}$', not 'euro'",
        "mine.yaml line 8: the setting 'en' is missing",
        "mine.yaml line 20: unknown setting 'horizon_week'; did you mean 'horizon_weeks'?",
    ]
    text = BUSINESS.replace("Europe/Paris", "Paris/Europe").replace(
        "        ordered_at: Date\n", ""
    )
    assert [line.split(": ")[0] for line in refused(folder, "amount", "amuont", text)] == [
        "mine.yaml line 15",
        "mine.yaml line 13",
        "mine.yaml line 13",
        "mine.yaml line 3",
    ]


def test_a_key_set_twice_is_refused_with_both_lines(folder):
    assert refused(folder, text=BUSINESS + "currency: USD\n") == [
        "mine.yaml line 21: 'currency' is already set on line 2; keep one"
    ]
    assert refused(folder, "zh: 西", "zh: 西, en: Occident") == [
        "mine.yaml line 8: 'en' is already set on line 8; keep one"
    ]


def test_a_mistake_in_shared_columns_is_said_once(folder):
    text = BUSINESS.replace("columns:\n", "columns: &same\n", 1).replace("amount:", "amuont:")
    again = "    - {files: ../raw/more.csv, region: west, columns: *same}\n  customers:"
    said = refused(folder, "  customers:", again, text)
    assert sum("amuont" in line for line in said) == 1


@pytest.mark.parametrize("setting", ["${SHOP_DATA}/sales.csv", "${SHOP_DATA:-../raw}/sales.csv"])
def test_an_environment_variable_is_put_in(folder, monkeypatch, setting):
    monkeypatch.setenv("SHOP_DATA", "/mnt/shop")
    source = loaded(folder, "../raw/sales.csv", setting).business.sources.transactions[0]
    assert source.files == "/mnt/shop/sales.csv"


def test_an_environment_variable_that_is_not_set(folder, monkeypatch):
    monkeypatch.delenv("SHOP_DATA", raising=False)
    settings = loaded(folder, "../raw/sales.csv", "${SHOP_DATA:-../raw}/sales.csv")
    assert settings.business.sources.transactions[0].files == "../raw/sales.csv"
    assert refused(folder, "../raw/sales.csv", "${SHOP_DATA}/sales.csv") == [
        "mine.yaml line 11: the environment variable SHOP_DATA is not set; set it, or write "
        "${SHOP_DATA:-a fallback}"
    ]


def test_a_file_that_is_not_there(folder):
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: no such file"):
        settings_module.load(folder / "nowhere.yaml")
    (folder / "strategies.yaml").unlink()
    assert refused(folder) == ["strategies.yaml: no such file"]


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "- one\n- two\n", "just words\n"])
def test_a_file_without_settings(folder, text):
    assert refused(folder, text=text) == [
        "mine.yaml: no settings; write `name: value` lines, as in config/sample.yaml"
    ]


def test_a_file_that_is_not_utf_8(folder):
    path = folder / "mine.yaml"
    path.write_bytes(BUSINESS.encode("gb18030"))
    first = len(BUSINESS[: BUSINESS.index("东")])
    with pytest.raises(ConfigError, match=rf"mine\.yaml: not UTF-8 \(byte {first}\); save it"):
        settings_module.load(path)


def test_broken_yaml_names_the_line(folder):
    said = refused(folder, "currency: EUR", "currency: [EUR")
    assert said[0].startswith("mine.yaml line 3: not YAML: ")
    assert refused(folder, "EUR", "E\x01R")[0].startswith("mine.yaml: not YAML: ")


def test_rule_files_are_read_as_strictly(folder):
    (folder / "segments.yaml").write_text(SEGMENTS.replace("bins: 2", "bins: 1"), "utf-8")
    assert refused(folder) == [
        "segments.yaml line 2: rfm.bins: input should be greater than or equal to 2, not 1"
    ]
    (folder / "segments.yaml").write_text(SEGMENTS.replace("{r: 1}", "{q: 1}"), "utf-8")
    assert refused(folder)[0].startswith("segments.yaml line 5: unknown setting 'q'")
    (folder / "segments.yaml").write_text(SEGMENTS, "utf-8")
    changed = STRATEGIES.replace("cost: 2", "cost: -2\n    price: 1").replace("below", "under")
    (folder / "strategies.yaml").write_text(changed, "utf-8")
    found = refused(folder)
    assert found[0].startswith("strategies.yaml line 5: unknown setting 'under'; known are above, ")
    assert found[1] == (
        "strategies.yaml line 8: actions.letter.cost: input should be greater than or equal to 0, "
        "not -2"
    )
    assert found[2].startswith("strategies.yaml line 9: unknown setting 'price'; known are ")
    changed = STRATEGIES.replace(", capacity: 150", "")
    (folder / "strategies.yaml").write_text(changed, "utf-8")
    assert refused(folder) == ["strategies.yaml line 2: the setting 'capacity' is missing"]


@pytest.mark.parametrize(("switch", "on"), [("off", False), ("on", True), ("no", False)])
def test_a_switch_is_on_or_off(folder, switch, on):
    settings = loaded(folder, "pseudonyms: off", f"pseudonyms: {switch}")
    assert settings.business.pseudonyms is on


@pytest.mark.parametrize(
    ("line", "pdf"), [("", "auto"), ("pdf: auto", "auto"), ("pdf: off", "off")]
)
def test_reports_are_printed_unless_that_is_switched_off(folder, line, pdf):
    assert loaded(folder, "pseudonyms: off", f"pseudonyms: off\n{line}").business.pdf == pdf


def test_printing_has_no_other_switch(folder):
    with pytest.raises(ConfigError, match="pdf: input should be 'auto' or 'off', not 'always'"):
        loaded(folder, "pseudonyms: off", "pseudonyms: off\npdf: always")


@pytest.mark.parametrize(
    "written, master",
    [
        ("", None),
        ("engine: duckdb", None),
        ("engine:\n  spark: local[2]", "local[2]"),
        ("engine: {spark: 'local[*]'}", "local[*]"),
        ("engine: {spark: spark://host.example.com:7077}", "spark://host.example.com:7077"),
    ],
)
def test_the_engine_is_duckdb_or_the_master_of_a_spark(folder, written, master):
    settings = loaded(folder, "timezone:", f"{written}\ntimezone:")
    assert settings.business.engine == master


@pytest.mark.parametrize(
    "written",
    ["spark", "{spark: yarn}", "{spark: }", "{spark: spark://host}", "{duckdb: 'local[2]'}"],
)
def test_another_engine_is_refused_in_one_line(folder, written):
    (line,) = refused(folder, "timezone:", f"engine: {written}\ntimezone:")
    assert "engine: write duckdb, or `spark: local[2]`, or `spark: spark://host:7077`, not" in line


def test_a_scorecard_is_dated_and_its_keys_are_known(folder):
    (card,) = loaded(folder).scorecards.scorecards["retail"]
    assert card.valid_from == dt.date(2020, 1, 1)
    assert (card.indicators[0].code, card.indicators[0].bins) == ("spend", 5)
    for old, new, said in (
        ("2020-01-01", "2020-02-30", "scorecards.yaml line 3: scorecards.retail.0.valid_from: "),
        ("bins: 5", "bin: 5", "scorecards.yaml line 6: unknown setting 'bin'; did you mean 'bins'"),
        (
            "grades:",
            "qouta:",
            "scorecards.yaml line 4: unknown setting 'qouta'; did you mean 'quota'",
        ),
        ("bins: 5", "missing: none", "scorecards.yaml line 6: scorecards.retail.0.indicators."),
    ):
        (folder / "scorecards.yaml").write_text(SCORECARDS.replace(old, new), "utf-8")
        assert any(line.startswith(said) for line in refused(folder))


def test_found_regions_instead_of_named_ones(folder):
    found = "regions: {from: Pays, pool_below: 5, pooled: {en: Rest, zh: 其他}}\n"
    text = BUSINESS[: BUSINESS.index("regions:")] + found + BUSINESS[BUSINESS.index("sources:") :]
    settings = loaded(folder, "      region: east\n", "", text)
    assert settings.business.regions.from_ == "Pays"
    assert refused(folder, text=text) == ["mine.yaml line 10: no region 'east'; there are none"]
    assert refused(folder, "pool_below: 5", "pool_below: few", text)[0].startswith(
        "mine.yaml line 6: regions.pool_below: "
    )


@pytest.mark.parametrize("name", ["net_sales", "period_orders", "loyalty_index", "repeat_rate"])
def test_a_business_may_add_attributes_but_not_under_the_name_of_a_computed_figure(folder, name):
    old = "{customer_id: id, region: pays}"
    new = f"{{customer_id: id, region: pays, scene: Objet, {name}: CA}}"
    line = 1 + BUSINESS[: BUSINESS.index(old)].count("\n")
    assert refused(folder, old, new) == [
        f"mine.yaml line {line}: '{name}' is computed from transactions; rename yours"
    ]
    found = loaded(folder, old, new.replace(f", {name}: CA", ""))
    assert found.business.sources.customers[0].columns["scene"] == "Objet"
