"""What looks odd in a config and is no error."""

from sample_config import change, with_plan

from cvm_analysis import validate


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


def test_a_plan_is_read_with_the_config_and_its_budget_added_up(config):
    settings = validate.check(with_plan(config))
    assert config / "plan.yaml" in settings.files
    assert [line.region for line in settings.plan.lines] == ["east", "all"]
    said = f"{config / 'plan.yaml'} line 2: the 2 lines add up to 1,000.00, 100.00 more"
    assert any(text.startswith(said) for text in validate.warnings(settings))
