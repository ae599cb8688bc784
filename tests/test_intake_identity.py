"""One person, one row: which records are one person's, and that nothing of them is lost."""

import pandas as pd
import pytest
from small_business import NAMED, small

from cvm_analysis import prepared
from cvm_analysis.errors import ConfigError
from cvm_analysis.intake import identity
from cvm_analysis.intake.prepare import prepare
from cvm_analysis.intake.pseudonyms import pseudonym
from cvm_analysis.settings import load

KEY = "a key for tests, no secret"
RULES = (("phone",), ("email",), ("name", "born"))


def records(*rows):
    """Records of id, day of joining, phone, email, name, day of birth."""
    columns = ["customer_id", "joined_on", "as phone", "as email", "as name", "as born"]
    table = pd.DataFrame(list(rows), columns=columns)
    table = table.mask(table == "")
    return table.assign(birth_date=table["as born"], gender=None, customer_type=None)


def find(*rows):
    return identity.find(records(*rows), RULES)


def test_records_that_share_what_a_rule_names_are_one_person_of_the_earliest_id():
    found = find(
        ("b", "2024-02-01", "+86 138-0013-8000", "", "Anna", ""),
        ("a", "2024-01-01", "13800138000", "", "Bea", ""),
        ("c", "2024-01-01", "13800138001", "", "Anna", ""),
    )
    assert found == identity.Merges({"b": "a"})


def test_the_id_into_which_records_were_merged_stays():
    """As a list of merges has it; without one, that of the earliest record."""
    rows = [("a11", "2024-01-01"), ("b22", "2024-01-02"), ("c33", "2024-01-03")]
    known = records(*((*row, "", "", "", "") for row in rows))
    merged = known.assign(**{"as merged_into": ["b22", " b22", None]})
    assert identity.find(merged, [("merged_into",)]).into == {"a11": "b22"}
    phones = merged.assign(**{"as phone": "13800138000"})
    assert identity.find(phones, [("merged_into",), ("phone",)]).into == {
        "a11": "b22", "c33": "b22",
    }  # fmt: skip
    assert identity.find(known.assign(**{"as phone": "13800138000"}), RULES).into == {
        "b22": "a11", "c33": "a11",
    }  # fmt: skip


def test_records_are_connected_through_others():
    found = find(
        ("c", "2024-03-01", "", "x@y.org", "", ""),
        ("a", "2024-01-01", "13800138000", "", "", ""),
        ("b", "2024-02-01", "13800138000", "X@Y.org ", "", ""),
    )
    assert found.into == {"b": "a", "c": "a"}


def test_all_names_of_a_rule_must_be_shared_whatever_case_and_accents():
    found = find(
        ("a", "2024-01-01", "", "", "José Núñez", "1990-01-01"),
        ("b", "2024-01-02", "", "", "JOSE NUNEZ", "1990-01-01"),
        ("c", "2024-01-03", "", "", "Jose Nunez", "1991-01-01"),
        ("d", "2024-01-03", "", "", "Jose Nunez", ""),
    )
    assert found.into == {"b": "a"}


def test_records_that_contradict_each_other_are_not_merged_but_named():
    found = find(
        ("a", "2024-01-01", "13800138000", "", "", "1990-01-01"),
        ("b", "2024-01-02", "13800138000", "", "", "2015-01-01"),
    )
    assert found == identity.Merges({}, frozenset({"a", "b"}))


def test_what_many_share_connects_nobody():
    found = find(*((each, "2024-01-01", "13800138000", "", "", "") for each in "abcde"))
    assert found == identity.Merges({}, shared=frozenset("abcde"))
    assert find(*((each, "2024-01-01", "13800138000", "", "", "") for each in "abcd")).into == {
        "b": "a",
        "c": "a",
        "d": "a",
    }


@pytest.mark.parametrize("nothing", ["", "-", "0000000", " "])
def test_a_value_that_says_nothing_connects_nobody(nothing):
    assert find(("a", "", nothing, "", "", ""), ("b", "", nothing, "", "", "")).into == {}


def test_without_a_day_of_joining_the_first_line_counts_and_one_with_it_before():
    found = find(
        ("b", "", "13800138000", "", "", ""),
        ("a", "", "13800138000", "", "", ""),
        ("d", "", "", "x@y.org", "", ""),
        ("c", "2024-01-01", "", "x@y.org", "", ""),
    )
    assert found.into == {"a": "b", "d": "c"}


def test_components_are_those_of_a_search_from_each_record():
    """Against a slow and obvious search, on records of random phones and mails."""
    import numpy as np

    rng = np.random.default_rng(1)
    n = 300
    rows = [
        (f"{i:03}", f"2024-01-01T{i // 60:02}:{i % 60:02}", f"1380013{p:04}", f"{e}@y.org", "", "")
        for i, p, e in zip(range(n), rng.integers(0, 250, n), rng.integers(0, 250, n), strict=True)
    ]
    table = records(*rows)
    columns = ["as phone", "as email"]
    is_rare = {c: table[c].map(table[c].value_counts()) <= identity.MOST_IDS for c in columns}
    values = [{table[c][i] for c in columns if is_rare[c][i]} for i in range(n)]
    expected = {}
    for i in range(n):
        reached, todo = {i}, [i]
        while todo:
            now = todo.pop()
            new = {j for j in range(n) if values[now] & values[j]} - reached
            reached |= new
            todo += new
        if min(reached) != i:
            expected[f"{i:03}"] = f"{min(reached):03}"
    assert len(expected) > 50 and identity.find(table, RULES).into == expected


SALES = (
    "customer_id,ordered_at,amount,sold_in\n"
    "a1,2025-01-01,10,Nord\na2,2025-02-01,5,Sud\nb1,2025-01-01,7,Sud\n"
)
PEOPLE = (
    "customer_id,region,joined_on,phone,mail\na1,Nord,2025-01-01,13800138000,a@b.org\n"
    "a2,Sud,2025-02-01,138 0013 8000,\nb1,Sud,2025-01-01,,c@d.org\n"
)
OTHERS = {
    "points": "customer_id,at,kind,points\na1,2025-01-02,earn,10\na2,2025-02-02,earn,5\n",
    "referrals": "customer_id,referred_id,at\na1,a2,2025-02-01\na2,b1,2025-01-01\n",
    "contact_log": "customer_id,at,action\nHIDDEN,2025-03-01,CODE\nb1,2025-03-01,CODE\n",
}


def business(folder, pseudonyms="on"):
    settings = small(
        *(folder, NAMED, {"sales.csv": SALES}, PEOPLE, pseudonyms),
        others=OTHERS | {"contact_log": OTHERS["contact_log"].replace("HIDDEN", shown("a2"))},
        mask=("phone", "mail"),
        limit=0.5,
    )
    code = settings.strategies.actions[0].code
    log, config = folder / "contact_log.csv", folder / "small.yaml"
    log.write_text(log.read_text("utf-8").replace("CODE", code), "utf-8")
    text = config.read_text("utf-8").replace(
        "{default: 0.5}",
        "{default: 0.3, self_referral: 0.5}",  # one of three records is merged
    )
    text = text.replace(
        "mask: [phone, mail]", "mask: [mail], identifiers: {phone: phone, email: mail}"
    )
    config.write_text(text + "identity: [[phone], [email]]\n", "utf-8")
    settings = load(config)
    prepare(settings)
    return settings


def shown(raw):
    return pseudonym(raw, KEY.encode())


@pytest.fixture(scope="module")
def merged(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CVM_KEY", KEY)
        return business(tmp_path_factory.mktemp("merged"))


def test_every_table_knows_the_person_and_sales_stay_what_they_were(merged):
    data = prepared.open(merged, "all")
    sales = data.to_pandas("transactions").groupby("customer_id")["amount"].sum()
    assert sales.to_dict() == {shown("a1"): 15, shown("b1"): 7}
    assert data.to_pandas("customers_raw")["customer_id"].tolist().count(shown("a1")) == 1
    points = data.to_pandas("points").groupby("customer_id")["points"].sum()
    assert points.to_dict() == {shown("a1"): 15}
    assert set(data.to_pandas("contact_log")["customer_id"]) == {shown("a1"), shown("b1")}


def test_the_person_has_the_region_of_the_earliest_record(merged):
    north = prepared.open(merged, "n")
    assert north.to_pandas("transactions")["amount"].sum() == 15


def test_a_customer_who_referred_themselves_is_dropped_and_counted(merged):
    data = prepared.open(merged, "all")
    found = data.to_pandas("referrals")[["customer_id", "referred_id"]].to_numpy().tolist()
    assert found == [[shown("a1"), shown("b1")]]
    quality = data.quality.set_index(["table", "check"])["n_rows"]
    assert quality["referrals", "self_referral"] == 1
    assert quality["customers_raw", "merged_customer"] == 1
    assert quality["customers_raw", "repeated_customer"] == 0


def test_earlier_pseudonyms_are_kept_with_those_of_the_person(merged):
    assert prepared.merges(merged) == {shown("a2"): shown("a1")}


def test_compared_values_are_written_to_no_table(merged):
    for path in merged.prepared.resolve().rglob("*.parquet"):
        text = pd.read_parquet(path).astype(str).to_csv()
        for value in ("a@b.org", "13800138000", "138 0013 8000"):
            assert value not in text, path.name


def test_ids_that_are_pseudonyms_already_are_merged_as_well(tmp_path, monkeypatch):
    monkeypatch.setenv("CVM_KEY", KEY)
    settings = business(tmp_path, "off")
    sales = prepared.open(settings, "all").to_pandas("transactions")
    assert sales.groupby("customer_id")["amount"].sum().to_dict() == {"a1": 15, "b1": 7}
    assert prepared.merges(settings) == {"a2": "a1"}


def test_a_rule_names_what_files_have(merged):
    config = merged.path.with_name("wrong.yaml")
    text = merged.path.read_text("utf-8").replace("[[phone], [email]]", "[[phnoe]]")
    config.write_text(text, "utf-8")
    with pytest.raises(
        ConfigError, match="'phnoe' is in no file of customers; did you mean 'phone'"
    ):
        load(config)
