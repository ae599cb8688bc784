"""A drafted config is accepted, reads the right figures, and marks what it does not know."""

import itertools
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from cvm_analysis import prepared as prepared_tables
from cvm_analysis import sample, validate
from cvm_analysis.cli import app
from cvm_analysis.draft import infer, preview, synonyms
from cvm_analysis.draft.draft import draft
from cvm_analysis.errors import ConfigError, InputError
from cvm_analysis.intake.prepare import prepare
from cvm_analysis.settings import load

REAL = Path(__file__).parent.parent / "config"
SALES = "customer,date,amount\n"
FEW = SALES + "".join(f"c{i % 3},2025-01-{i:02},{i}.50\n" for i in range(1, 13))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A company's folder: the rule files in config/, and nothing else."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CVM_KEY", "a key that is long enough")
    Path("config").mkdir()
    for name in ("segments.yaml", "scorecards.yaml", "strategies.yaml"):
        shutil.copy(REAL / name, "config")
    return tmp_path


def put(content, name="sales.csv", encoding="utf-8"):
    Path(name).write_bytes(content.encode(encoding))
    return Path(name)


def kept(*files):
    """Keep the draft of some files, and check it as `cvm check` does."""
    Path("config/mine.yaml").write_text(draft(files), "utf-8")
    return validate.check("config/mine.yaml")


def prepared(*files):
    settings = kept(*files)
    assert prepare(settings)
    return pd.read_parquet(settings.prepared / "transactions")


def line(text, start):
    (found,) = (row for row in text.splitlines() if row.strip().startswith(start))
    return found


def test_cdnow_without_a_correction(folder, lifetimes_data):
    sales = prepared(lifetimes_data / "CDNOW_master.txt")
    assert len(sales) == 69_659
    assert str(sales["amount"].sum()) == "2500315.6300"
    assert sales["customer_id"].nunique() == 23_570
    assert str(sales["ordered_at"].max())[:10] == "1998-06-30"


def test_online_retail_as_its_own_config_has_it(folder, data_set):
    settings = kept(data_set("online_retail"))
    ours, own = settings.business, yaml.safe_load((REAL / "online_retail.yaml").read_text("utf-8"))
    (source,) = own["sources"]["transactions"]
    assert ours.sources.transactions[0].columns == source["columns"]
    assert ours.sources.transactions[0].formats == {}
    assert (ours.regions.from_, ours.regions.pool_below) == ("Country", 50)
    assert ours.extracted_on is None  # it would freeze the schedule
    assert ours.rules.stop_above["missing_customer_id"] == 0.30  # 135,080 of 541,909 are 24.9 %
    assert ours.value.holdout_weeks == own["value"]["holdout_weeks"]


def test_the_sample_as_its_own_config_has_it(folder):
    shutil.copytree(REAL, "own")
    sample.make(Path("data/sample"), 100)
    drafted = kept(*sorted(Path("data/sample/raw").iterdir())).business
    own = load("own/sample.yaml").business
    for setting in type(own.sources).model_fields:
        columns = {s.files: s.columns for s in getattr(drafted.sources, setting)}
        known = {s.files: s.columns for s in getattr(own.sources, setting)}
        added = {"complaint_first_month", "late_installation", "no_maintenance_plan"}
        without = {f: {k: v for k, v in c.items() if k not in added} for f, c in known.items()}
        assert columns == without
    compared = own.sources.customers[0].identifiers.values()  # masked as well
    assert set(drafted.sources.customers[0].mask) == {*own.sources.customers[0].mask, *compared}
    assert dict(drafted.regions) == dict(own.regions)
    assert (drafted.currency, drafted.timezone) == (own.currency, own.timezone)


def test_chinese_headers_in_gb18030(folder):
    rows = [("会员号", "下单时间", "实付金额(元)", "省份")]
    rows += [
        (f"{1 + i % 40:06}", f"2025/3/{1 + i % 31}", f"¥{1000 + i:,}.50", "江苏") for i in range(90)
    ]
    rows += [(f"{1 + i % 40:06}", "2025/3/31", "-0.50", "浙江") for i in range(10)]
    path = put("".join(f'{a},{b},"{c}",{d}\n' for a, b, c, d in rows), encoding="gb18030")
    sales = prepared(path)
    assert len(sales) == 100
    assert float(sales["amount"].sum()) == 90 * 1000.5 + sum(range(90)) - 5
    text = draft([path])
    assert "encoding: gb18030" in text and "currency: CNY" in text
    assert "regions: {from: 省份, pool_below: 50}" in text


def test_a_stated_delimiter_reaches_the_reading(folder):
    path = put(FEW.replace(",", ";").replace("amount", "amount, paid"))
    assert len(prepared(path)) == 12
    assert "delimiter: semicolon  # guessed" in draft([path])
    config = Path("config/mine.yaml")
    config.write_text(config.read_text("utf-8").replace("semicolon", "comma"), "utf-8")
    with pytest.raises(InputError, match="no column 'customer'"):
        prepare(load(config))


@pytest.mark.parametrize(
    ("days", "pattern"),
    [
        (["2025-03-04", "2025-12-31"], None),
        (["2025/3/4", "2025/12/31"], None),
        (["2025-03-04 08:26:00", "2025-12-31 8:26"], None),
        (["20250304", "20251231"], "%Y%m%d"),
        (["04/03/2025", "31/12/2025"], "%d/%m/%Y"),
        (["3/4/2025", "12/31/2025"], "%m/%d/%Y"),
        (["12/1/2010 8:26", "12/13/2010 10:03"], "%m/%d/%Y %H:%M"),
        (["12/31/2025 8:26:00 AM", "1/2/2025 12:00:00 PM"], "%m/%d/%Y %I:%M:%S %p"),
        (["4.3.2025", "31.12.2025"], "%d.%m.%Y"),
        (["31-Dec-25", "01-Feb-25"], "%d-%b-%y"),
        (["March 4, 2025", "December 31, 2025"], "%B %d, %Y"),
        (["2025年3月4日", "2025年12月31日"], "%Y年%m月%d日"),
        (["20250304082600", "20251231235959"], "%Y%m%d%H%M%S"),
    ],
)
def test_how_dates_are_written_is_told_by_all_of_them(days, pattern):
    dates = preview.Column("day", days, 0.0).dates
    assert (dates.pattern, dates.rival, dates.unread) == (pattern, None, None)
    assert dates.last.year in (2025, 2010) and dates.first.year in (2025, 2010)


@pytest.mark.parametrize(
    "cells", [["536365", "536366"], ["1.5", "2.5"], ["no"], ["99991301"], ["31/31/2025"], []]
)
def test_what_is_no_date(cells):
    assert preview.Column("day", cells, 0.0).dates is None


def test_one_day_above_twelve_among_many_tells_day_from_month(folder):
    days = [f"{1 + i % 12}/{1 + i % 11}/2025" for i in range(3000)]
    doubtful, sure = (preview.Column("day", d, 0.0).dates for d in (days, [*days, "11/30/2025"]))
    assert {doubtful.pattern, doubtful.rival} == {"%d/%m/%Y", "%m/%d/%Y"}
    assert (sure.pattern, sure.rival) == ("%m/%d/%Y", None)
    text = draft([put(SALES + "".join(f"c{i % 9},{d},1\n" for i, d in enumerate(days)))])
    assert "please check: as 1/1/2025; or %m/%d/%Y?" in line(text, 'ordered_at: "')


def test_a_few_cells_that_are_no_dates_are_named(folder):
    text = draft([put(FEW + "c1,2024-02-30,1\n")])
    assert "# please check: ordered_at also has '2024-02-30'" in text


def test_names_count_only_if_the_cells_are_of_that_kind(folder):
    path = put("Customer,Date,Amount,Total\n" + "a,2025-01-01,see note,5\n" * 3)
    assert infer.infer(preview.preview(path)).columns["amount"].header == "Total"
    text = draft([put("Customer,Date,Amount\n" + 'a,2025-01-01,"1;50"\n' * 3)])
    assert "amount:" in text and "the file has Customer, Date, Amount" in line(text, "amount:")
    assert "no amount (or quantity and unit_price): 'Amount' contains '1;50'" in text

    path = put("Customer,Date,Day,Amount\n" + "a,soon,2025-01-01,5\n" * 3)
    assert infer.infer(preview.preview(path)).columns["ordered_at"].header == "Day"


@pytest.mark.parametrize(
    ("content", "table"),
    [
        ("customer,date,value\na,2025-01-01,5\na,2025-01-02,6\n", "transactions"),
        ("customer,date,metric,value\na,2025-01-01,visits,5\n", "indicators"),
        ("customer,date,type,rating\na,2025-01-01,survey,5\n", "feedback"),
        ("customer,date,type\na,2025-01-01,nps\n", "feedback"),
        ("customer,date,type\na,2025-01-01,dealer\n", "customers_raw"),
        ("customer,start date,gender,city\na,2025-01-01,f,Bonn\n", "customers_raw"),
        ("customer,start date,end date\na,2025-01-01,\n", "contracts"),
        ("customer,gender\na,f\na,f\n", ""),  # persons do not repeat
        (  # order lines with a type and remarks are no feedback
            "customer,date,type,product,order,amount,remarks\na,2025-01-01,sale,oak,1,5.5,x\n",
            "transactions",
        ),
    ],
)
def test_what_a_file_is(folder, content, table):
    assert infer.infer(preview.preview(put(content))).table == table


@pytest.mark.parametrize(
    ("header", "plain"),
    [
        ("Member No.", "memberno"),
        ("customer_ID", "customerid"),
        ("金额（元）", "金额"),
        ("Amount [USD]", "amount"),
    ],
)
def test_headers_are_compared_without_signs_and_brackets(header, plain):
    assert synonyms.normalise(header) == plain


def test_no_name_is_listed_twice_for_a_column():
    for columns in synonyms.headers().values():
        for names in columns.values():
            assert len(set(names)) == len(names)
            assert [synonyms.normalise(name) for name in names] == names


def test_files_without_names_of_ours_are_told_by_their_cells_and_marked(folder):
    rows = "".join(f"k{i % 30},{i},{1 + i % 28}.1.2025,{i}.25\n" for i in range(200))
    text = draft([put("wer,zeile,wann,geld\n" + rows)])
    for ours, theirs in (("customer_id", "wer"), ("ordered_at", "wann"), ("amount", "geld")):
        assert f"{ours}: {theirs} " in text
        assert "please check" in line(text, f"{ours}: {theirs}")
    assert "# not used: zeile" in text


def test_a_price_alone_is_the_amount_to_be_checked(folder):
    text = draft([put(FEW.replace("amount", "price"))])
    assert "please check" in line(text, "amount: price")
    assert "unit_price: price" in draft(
        [put(FEW.replace("amount", "price,qty").replace("50", "50,2"))]
    )


@pytest.mark.parametrize(
    ("header", "sign", "said"),
    [
        ("amount", "$", "USD               # guessed"),
        ("amount", "£", "GBP               # guessed"),
        ("amount", "", "XXX               # please check"),
        ("amount (EUR)", "", "EUR               # guessed"),
        ("金额", "", "CNY               # guessed"),
    ],
)
def test_the_currency(folder, header, sign, said):
    rows = "".join(f"c{i % 3},2025-01-{i:02},{sign}{i}.50\n" for i in range(1, 13))
    assert line(draft([put(f"customer,date,{header}\n{rows}")]), "currency").startswith(
        f"currency: {said}"
    )


def test_a_draft_does_not_freeze_the_schedule(folder):
    """A day of extraction would exclude every row of next week as dated in the future."""
    put(FEW)
    settings = kept(Path("sales.csv"))
    assert settings.business.extracted_on is None
    assert prepare(settings)
    before = prepared_tables.stamp(settings)
    put(FEW + "c1,2025-01-19,7.50\n")
    assert prepare(settings)
    after = prepared_tables.stamp(settings)
    assert (before["as_of"], after["as_of"]) == ("2025-01-12", "2025-01-19")
    assert after["rows_accepted"] == before["rows_accepted"] + 1


def test_rows_looked_at_come_from_all_over_the_file(folder, monkeypatch):
    monkeypatch.setattr(preview, "MAX_ROWS", 8)
    for n in range(1, 60):
        file = preview.preview(put("name,n\n" + "".join(f"a,{i}\n" for i in range(n))))
        rows = [int(cell) for cell in file.columns["n"].cells]
        assert (file.n_rows, rows[0], rows[-1]) == (n, 0, n - 1)
        gaps = {b - a for a, b in itertools.pairwise(rows[:-1])}
        assert len(gaps) <= 1 and 4 <= len(rows) + 4 * (n < 8) <= 12


def test_regions_of_records_and_of_sales_written_differently(folder):
    east = put(FEW.replace("amount", "amount,region").replace("50\n", "50,NO\n"), "a.csv")
    many = "".join(
        f"d{i % 9},2025-01-{i:02},{i}.50,{'SE' if i % 2 else 'NO'}\n" for i in range(1, 29)
    )
    other = put("customer,date,amount,Country\n" + many, "b.csv")
    text = draft([east, other])
    assert "  'no': {en: 'NO', zh: 'NO'}" in text  # a word that YAML would take for `false`
    assert "the region of these rows" in text  # a.csv knows one region only
    assert "sold_in: Country" in text
    assert list(kept(east, other).business.regions) == ["se", "no"]


def test_many_rows_without_a_customer_are_let_pass_and_said(folder):
    rows = [f"{'' if i % 4 == 0 else 'c1'},2025-01-01,1.5\n" for i in range(100)]
    text = draft([put(SALES + "".join(rows))])
    assert "missing_customer_id: 0.30}  # please check: 25.0% of the order lines" in text
    assert "stop_above" not in draft([put(FEW)])


def test_western_words_are_not_read_as_chinese(folder):
    rows = "".join(f"Ren\xe9e {i % 3},2025-01-{i:02},{i}.50\n" for i in range(1, 13))
    path = put(SALES + rows, encoding="cp1252")
    assert "encoding: cp1252" in draft([path])
    assert preview.preview(path, "cp1252").columns["customer"].cells[0] == "Ren\xe9e 1"
    assert kept(path).business.sources.transactions[0].encoding == "cp1252"


def test_paths_start_from_the_file_it_will_be_and_headers_survive_yaml(folder):
    header = 'Customer #: "x", [y]'
    quoted = header.replace('"', '""')
    path = put(FEW.replace("customer", f'"{quoted}"'), "a: #1.csv")
    settings = kept(path)
    assert settings.business.sources.transactions[0].files == "../a: #1.csv"
    assert settings.business.sources.transactions[0].columns["customer_id"] == header
    assert "files: a.csv" in draft([put(FEW, "a.csv")], Path("mine.yaml"))


def test_rule_files_that_are_not_there_yet_are_said(folder):
    Path("config/segments.yaml").unlink()
    text = draft([put(FEW)])
    assert "please check: no such file yet; `cvm new FOLDER` makes" in line(text, "segments:")
    assert "assumption: please check" in line(text, "strategies:")
    own = Path("config/strategies.yaml")
    own.write_text(own.read_text("utf-8") + "# ours\n", "utf-8")
    assert line(draft([put(FEW)]), "strategies:") == "strategies: strategies.yaml"


def test_every_guess_is_marked(folder):
    text = draft([put(FEW)])
    settings = [row for row in text.splitlines() if re.match(r"[a-z_]+: \S|  [a-z_]+: \S", row)]
    sure = [row.split(":")[0].strip() for row in settings if "#" not in row]
    assert sure == ["main"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("00001 19970101 1 11.77\n00002 19970112 1 12.00\n", "the first line is data"),
        ("customer,date,amount\n", "a header and no rows"),
        ("", "an empty file"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error_alone_and_a_comment_among_others(
    folder, content, says
):
    bad = put(content, "bad.csv")
    with pytest.raises(InputError, match=r"bad\.csv") as error:
        draft([bad])
    assert says in str(error.value)
    assert kept(bad, put(FEW)).business.sources.transactions[0].files == "../sales.csv"
    text = Path("config/mine.yaml").read_text("utf-8")
    assert says in line(text, "# please check: left out: bad.csv")


@pytest.mark.parametrize(
    ("content", "asked"),
    [
        ("order_id,customer_id,date\n1,a,2025-01-01\n", ["amount"]),
        ("name,colour\na,red\n", ["amount", "customer_id", "ordered_at"]),
    ],
)
def test_what_order_lines_lack_is_a_line_to_fill_in(folder, content, asked):
    """The draft is whole but for these lines, and `cvm check` names each of them."""
    with pytest.raises(ConfigError) as error:
        kept(put(content))
    text = Path("config/mine.yaml").read_text("utf-8")
    rows = [i for i, row in enumerate(text.splitlines(), 1) if re.match(r" +\w+: +# please", row)]
    said = [f"config/mine.yaml line {row}: sources.transactions.0.columns." for row in rows]
    assert len(rows) == len(asked) == str(error.value).count("line ")
    assert all(place in str(error.value) for place in said)
    assert all("the file has " in line(text, f"{ours}: ") for ours in asked)


def test_without_order_lines_and_contracts_the_draft_says_what_to_add(folder):
    text = draft([put("id,gender\na,f\nb,m\n")])
    assert "  customers:  " in text
    assert "# please check: no file has order lines or contracts; add them" in text
    with pytest.raises(
        ConfigError, match="the setting 'transactions' \\(or 'contracts'\\) is missing"
    ):
        kept(Path("sales.csv"))


def test_missing_files_and_undecodable_ones(folder):
    with pytest.raises(InputError, match=r"no\.csv, nor\.csv: no such file"):
        draft([Path("no.csv"), put(FEW), Path("nor.csv")])
    Path("bad.csv").write_bytes(b"\xe5\xae\xa2,x\n1,\xff\x81\n")
    with pytest.raises(InputError, match=r"bad\.csv: cannot be decoded"):
        draft([Path("bad.csv")])


def test_a_file_that_is_none_of_our_tables_is_left_out_and_said(folder):
    text = draft([put(FEW), put("name,colour\na,red\n", "notes.csv")])
    assert "# please check: ../notes.csv is left out, it fits no table: name, colour" in text


def test_the_command_writes_the_draft_to_stdout(folder):
    path = put(FEW.replace("customer", "客户编号"))
    done = CliRunner().invoke(app, ["init", str(path), "--for", "config/other.yaml"])
    assert done.exit_code == 0
    assert done.stdout_bytes.decode() == draft([path], Path("config/other.yaml"))


def test_mentions_are_recognised_and_personal_details_are_proposed_for_masking(folder):
    people = "customer,city,Phone No,E-Mail\n" + "".join(f"c{i},Rome,{i},a@b.c\n" for i in range(3))
    posts = "Post date,Platform,Post text,stars\n" + "".join(
        f"2025-01-0{i},weibo,good {i},{i}\n" for i in range(1, 4)
    )
    found = kept(put(FEW), put(people, "people.csv"), put(posts, "posts.csv")).business.sources
    assert found.mentions[0].columns == {
        **dict(at="Post date", channel="Platform", text="Post text", score="stars")
    }
    assert set(found.customers[0].mask) == {"Phone No", "E-Mail"}
    assert "not used: " not in Path("config/mine.yaml").read_text("utf-8").split("people.csv")[1]


def test_lists_of_campaigns_contacts_and_consents_are_recognised(folder):
    members = "客户编号,活动编号,行动,组别,分组日期\n" + "".join(
        f"c{i % 3},spring,call,{'实验组' if i % 2 else '对照组'},2025-01-0{i}\n"
        for i in range(1, 4)
    )
    log = "customer_id,action,done_on,owner\n" + "".join(
        f"c{i},call,2025-01-1{i},Li\n" for i in range(3)
    )
    agreed = "customer,channel,consent,date\n" + "".join(
        f"c{i},{channel},{word},2025-01-01\n"
        for i in range(3)
        for channel, word in (("sms", "Y"), ("phone", "n"))
    )
    found = kept(
        put(FEW), put(members, "members.csv"), put(log, "log.csv"), put(agreed, "agreed.csv")
    ).business.sources
    assert found.contact_log[0].columns["at"] == "done_on"
    assert found.consents[0].columns["given"] == "consent"
    assert found.campaign_members[0].columns["arm"] == "组别"
    text = Path("config/mine.yaml").read_text("utf-8")
    assert "only treated, control are valid; it has 实验组, 对照组" in line(text, "arm:")


def test_what_complaints_are_about_and_shares_of_wallet_are_recognised(folder):
    said = "客户编号,反馈日期,反馈类型,投诉产品,相关订单,内容\n" + "".join(
        f"c{i},2025-01-0{i},complaint,橡木地板,D{i},有缺口\n" for i in range(1, 4)
    )
    shares = "客户编号,日期,指标,钱包份额\n" + "".join(
        f"c{i},2025-01-0{i},share_of_wallet,{i}5%\n" for i in range(1, 4)
    )
    sources = kept(put(FEW), put(said, "said.csv"), put(shares, "shares.csv")).business.sources
    columns = sources.feedback[0].columns
    assert (columns["about_product"], columns["about_order"]) == ("投诉产品", "相关订单")
    assert sources.indicators[0].columns["value"] == "钱包份额"


def test_a_column_of_percentages_is_no_amount_that_its_cells_tell(folder):
    content = "who,when,off\n" + "".join(f"c{i % 3},2025-01-0{i},{i}.5%\n" for i in range(1, 9))
    assert "amount" not in infer.infer(preview.preview(put(content))).columns


def test_points_referrals_and_leads_are_recognised(folder):
    points = "客户编号,变动日期,变动类型,积分\n" + "".join(
        f"c{i % 3},2025-01-1{i},{'earn' if i % 2 else 'redeem'},{i}0\n" for i in range(1, 5)
    )
    referrals = "referrer,referred,date\nc0,c1,2025-01-02\nc0,c2,2025-01-03\n"
    leads = "线索编号,创建日期,来源,负责人,阶段,进入阶段日期,客户编号,结果\n" + "".join(
        f"L{i},2025-01-0{i},web,Li,new,2025-01-0{i},,{'赢单' if i == 1 else ''}\n"
        for i in range(1, 4)
    )
    found = kept(
        put(FEW), put(points, "points.csv"), put(referrals, "ref.csv"), put(leads, "leads.csv")
    ).business.sources
    assert found.points[0].columns["points"] == "积分"
    assert found.referrals[0].columns == {
        "customer_id": "referrer", "referred_id": "referred", "at": "date"
    }  # fmt: skip
    assert found.leads[0].columns["lead_id"] == "线索编号"
    text = Path("config/mine.yaml").read_text("utf-8")
    assert "only won, lost, open are valid; it has 赢单" in line(text, "outcome:")
