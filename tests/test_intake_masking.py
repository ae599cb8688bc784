"""Personal details reach no prepared table; what is no personal detail stays."""

import pandas as pd
import pytest
from small_business import NAMED, small

from cvm_analysis.intake.masking import mask

RECORDS = pd.DataFrame(
    [
        ("1", "王小明"),
        ("1", "138 0013 8000"),
        ("1", "上海市浦东新区幸福路12号3栋"),
        ("2", "Anna-Maria Schmidt"),
        ("2", "anna.schmidt@example.com"),
        ("2", "12 High Street, Leeds"),
        ("3", "2024"),
        ("3", "李"),
    ],
    columns=["customer_id", "value"],
)


def masked(text, owner=""):
    return mask(pd.Series([text]), pd.Series([owner]), RECORDS)[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("请打 13900139000，谢谢", "请打 ***，谢谢"),
        ("电话：０２１－６２２２ ３３３３", "电话：***"),
        ("一三八零零一三八零零零找我", "***找我"),
        ("call +44 (0)20 7946 0018 now", "call *** now"),
        ("身份证31010119900101123X", "身份证***"),
        ("write to jo.b+x@mail.example.co.uk!", "write to ***!"),
        ("邮箱li@qq.com", "邮箱***"),
        ("CPF 123.456.789-09", "CPF ***"),
    ],
)
def test_phones_addresses_and_numbers_are_masked_by_their_pattern(text, said):
    assert masked(text) == said


@pytest.mark.parametrize(
    "text",
    [
        "2025-12-31 送货，迟到14天",
        "31.12.2025 geliefert",
        "花了 1,234.50 元，共 120000 元",
        "下午 2025/12/31 14:30 才到",
        "3 boxes, 12 x 18 cm",
    ],
)
def test_dates_and_amounts_stay(text):
    assert masked(text) == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("王小明说送货慢", "***说送货慢"),
        ("王 小 明说送货慢", "***说送货慢"),
        ("I am ANNA MARIA SCHMIDT.", "I am ***."),
        ("住上海市浦东新区 幸福路１２号3栋", "住***"),
        ("at 12 high street leeds, yes", "at ***, yes"),
        ("at 12 High Street", "at ***"),
        ("送到浦东新区幸福路12号3栋", "送到***"),
        ("就在幸福路12号", "就在***"),
    ],
)
def test_values_of_any_record_are_masked_in_all_texts(text, said):
    assert masked(text) == said
    assert masked(text, "9") == said


def test_parts_of_the_own_record_are_masked_in_own_texts_only():
    assert masked("小明，幸福路12号，送货慢", "1") == "***，***，送货慢"
    assert masked("小明，上海市浦东，送货慢", "1") == "***，***，送货慢"
    assert masked("小明，上海市浦东，送货慢", "2") == "小明，上海市浦东，送货慢"
    assert masked("Anna here, High Street", "2") == "*** here, ***"
    assert masked("Anna here, High Street", "1") == "Anna here, High Street"
    assert masked("since 2024 the annals", "2") == "since 2024 the annals"
    assert masked("号码2024", "3") == "号码***"
    assert masked("李子，2024年", "1") == "李子，2024年"


def test_accents_make_no_difference():
    records = pd.DataFrame({"customer_id": ["1", "2"], "value": ["José Peña", "Jose\u0301 Lima"]})
    texts = pd.Series(["JOSE PENA aqui", "jos\u00e9 lima, pena"])
    assert list(mask(texts, pd.Series(["", ""]), records)) == ["*** aqui", "***, pena"]


def test_words_that_only_contain_a_value_stay():
    records = pd.DataFrame({"customer_id": ["1"], "value": ["Rose"]})
    texts = pd.Series(["Prose and roses", "a rose.", "ROSE2"])
    found = mask(texts, pd.Series(["", "", ""]), records)
    assert list(found) == ["Prose and roses", "a ***.", "ROSE2"]


PEOPLE = """customer_id,name,phone,mail,home,city
A1001,王小明,13800138000,xm@example.com,上海市幸福路12号,上海
B2002,Anna Schmidt,555123,as@example.com,12 High Street,Leeds
"""
SALES = {
    "sales.csv": "customer_id,ordered_at,amount,land\nA1001,2025-01-01,5,Nord\n"
    "B2002,2025-01-02,7,Sud\n"
}
FEEDBACK = """customer_id,at,kind,score,text
A1001,2025-02-01,nps,3,"我是王小明，电话13800138000，幸福路12号"
B2002,2025-02-02,csat,2,"Anna, 555123, as@example.com, member B2002"
B2002,2025-02-03,csat,5,Fine
B2002,2025-02-03,csat,5,Fine
A1001,2025-02-04,csat,5,
"""
MENTIONS = """at,channel,text,customer_id,score
2025-03-01,weibo,Anna Schmidt of 12 High Street is angry,,1
2025-03-02,weibo,王小明很满意,A1001,5
2025-03-02,weibo,王小明很满意,A1001,5
2025-03-03,douyin,不错,Z9,很好
2025-03-04,,no channel,,
2025-03-05,weibo,,,
2027-03-05,weibo,later,,
,weibo,no day,,
"""
SECRETS = (
    "小明",
    "13800138000",
    "幸福路",
    "Anna",
    "Schmidt",
    "555123",
    "@",
    "High Street",
    "B2002",
)


@pytest.fixture
def shop(tmp_path, monkeypatch):
    monkeypatch.setenv("CVM_KEY", "a long text only for these tests")
    from cvm_analysis import prepared

    settings = small(
        *(tmp_path, "{from: land}", SALES, PEOPLE, "on"),
        others={"feedback": FEEDBACK, "mentions": MENTIONS},
        mask=("name", "phone", "mail", "home"),
    )
    return settings, lambda region: prepared.open(settings, region)


def test_no_personal_detail_reaches_a_prepared_table(shop):
    settings, _ = shop
    for path in settings.prepared.rglob("*.parquet"):
        table = pd.read_parquet(path).astype(str)
        for secret in SECRETS:
            held = table.apply(lambda column, s=secret: column.str.contains(s, regex=False)).any()
            assert not held.any(), (path, secret)
    assert not {"work", "spill"} & {path.stem.split(".")[0] for path in settings.prepared.iterdir()}


def test_texts_keep_their_rows_and_the_rest_of_their_words(shop):
    _, data = shop
    rows = data("all").to_pandas("feedback").sort_values(["at", "score"])
    assert list(rows["text"].fillna("-")) == [
        *("我是***，电话***，***", "***, ***, ***, member ***", "Fine", "Fine", "-")
    ]
    assert list(data("all").customers_raw.columns) == ["customer_id", "city", "region"]


def test_mentions_without_a_customer_count_for_the_company_alone(shop):
    _, data = shop
    rows = data("all").to_pandas("mentions").sort_values("at")
    assert list(rows["text"]) == [
        "*** of *** is angry",
        "***很满意",
        "不错",
    ]
    assert list(rows["score"].fillna(0)) == [1, 5, 0]
    assert rows["customer_id"].isna().tolist() == [True, False, False]
    north = data("nord").to_pandas("mentions")
    assert list(north["text"]) == ["***很满意"]
    assert data("sud").to_pandas("mentions").empty


def test_mentions_are_checked_and_never_stop_a_run(shop):
    _, data = shop
    quality = data("all").quality.set_index(["table", "check"])["n_rows"]
    assert {check: int(quality["mentions", check]) for check in quality["mentions"].index} == {
        **dict(wrong_number_of_cells=0, no_date=1, in_the_future=1, no_channel=1, no_text=1),
        **dict(repeated_mention=1, unreadable_stars=1, personal_details_masked=2),
    }
    assert quality["feedback", "personal_details_masked"] == 2


def test_a_masked_column_is_not_mapped_as_well(tmp_path):
    from cvm_analysis.errors import ConfigError
    from cvm_analysis.settings import load

    small(
        tmp_path,
        NAMED.replace("Nord", "x"),
        SALES | {"sales.csv": SALES["sales.csv"].replace("land", "sold_in").replace("Nord", "x")},
        PEOPLE,
    )
    config = tmp_path / "small.yaml"
    text = config.read_text("utf-8").replace("city: city}", "city: city}, mask: [city, phone]")
    config.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as error:
        load(config)
    assert str(error.value).splitlines() == [
        f"{config} line 13: '{header}' is also mapped as a column; masked ones are not written"
        for header in ("city", "phone")
    ]
