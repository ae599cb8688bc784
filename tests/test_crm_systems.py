"""Field maps of CRMs: those that come with the package, and what is wrong with one of one's own."""

import pytest

from cvm_analysis.crm import systems
from cvm_analysis.crm.fields import FIELDS, KEYS
from cvm_analysis.errors import ConfigError, InputError

OWN = """name: Ours
dates: "%d.%m.%Y"
customers:
  file: Kunden
  fields:
    customer_id: Id
    segment: Segment
"""


def write(folder, text):
    path = folder / "ours.yaml"
    path.write_text(text, "utf-8")
    return str(path)


@pytest.mark.parametrize("name", ["zoho", "fxiaoke", "csv"])
def test_every_system_takes_all_kinds_of_records_by_their_keys(name):
    system = systems.load(name)
    assert system.key == name and set(system.modules) == set(FIELDS) == set(KEYS)
    for kind, module in system.modules.items():
        assert set(KEYS[kind]) <= set(module.fields) <= set(FIELDS[kind])
        assert "/" not in module.file


@pytest.mark.parametrize("name", ["zoho", "fxiaoke"])
def test_tasks_and_members_carry_what_brings_them_back(name):
    """An activity comes back by customer, code of the action and day of its list."""
    modules = systems.load(name).modules
    for kind in ("tasks", "members"):
        assert {"customer_id", "action_code", "channel_code", "listed_on"} <= set(
            modules[kind].fields
        )
    ids = {module.fields["customer_id"] for kind, module in modules.items() if kind != "lists"}
    assert len(ids) == 1, "one field has the id in every module"


def test_sources_and_what_was_not_checked_stand_in_the_file():
    for name, said in (("zoho", "Not checked:"), ("fxiaoke", "not checked")):
        text = (systems.FOLDER / f"{name}.yaml").read_text("utf-8")
        assert said in text and "2026-12-01" in text


def test_a_further_system_is_a_further_file(tmp_path):
    system = systems.load(write(tmp_path, OWN))
    assert system.key == "ours" and set(system.modules) == {"customers"}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("segment:", "segmnet:", "line 7: customers have no field 'segmnet'; did you mean 'segme"),
        ("fields:", "felds:", "line 5: unknown setting 'felds'; did you mean 'fields'?"),
        ("customer_id:", "region:", "line 5: customer_id is not mapped"),
        ("Segment", "Id", "line 5: 'Id' stands twice"),
        ("dates:", "values: {sgment: {}}\ndates:", "line 2: no field 'sgment'; did you mean 'seg"),
        ("name: Ours", "name: Ours\nrows: -1", "line 2: rows: input should be greater than"),
    ],
)
def test_a_mistake_is_named_with_file_and_line(tmp_path, old, new, said):
    path = write(tmp_path, OWN.replace(old, new))
    with pytest.raises(ConfigError) as error:
        systems.load(path)
    assert f"{path} {said}" in str(error.value)


def test_a_map_of_nothing_and_an_unknown_system_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="maps nothing; add customers, tasks"):
        systems.load(write(tmp_path, "name: Ours\n"))
    with pytest.raises(InputError, match="no system 'zohoo'; did you mean 'zoho'"):
        systems.load("zohoo")
    with pytest.raises(InputError, match="or give a YAML file of your own"):
        systems.load(str(tmp_path / "none.yaml"))
