from zoneinfo import ZoneInfo

import pytest

from router.ledger.reports.provider_export import Figures, Invoice, InvoiceError, read_invoice

UTC, BERLIN = ZoneInfo("UTC"), ZoneInfo("Europe/Berlin")
DAY = "2026-11-20"

OPENAI_USAGE = """\
start_time,end_time,start_time_iso,end_time_iso,project_id,num_model_requests,user_id,api_key_id,model,batch,\
input_tokens,output_tokens,input_cached_tokens,input_audio_tokens
1795132800,1795219200,2026-11-20T00:00:00+00:00,2026-11-21T00:00:00+00:00,p,3.0,,key_1,gpt-4o-mini-2024-07-18,,4212,1673,12,0
1795132800,1795219200,2026-11-20T00:00:00+00:00,2026-11-21T00:00:00+00:00,p,1.0,,key_2,gpt-4o-mini-2024-07-18,,100,10,0,0
1795219200,1795305600,2026-11-21T00:00:00+00:00,2026-11-22T00:00:00+00:00,,,,,,,,,,
"""
OPENAI_COSTS = """\
start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,quantity,quantity_unit,line_item,project_id
1795132800,1795219200,2026-11-20T00:00:00+00:00,2026-11-21T00:00:00+00:00,0.003835980000,usd,1,t,"gpt-5, input_tokens",p
1795132800,1795219200,2026-11-20T00:00:00+00:00,2026-11-21T00:00:00+00:00,0.5,usd,1000,tokens,"gpt-5, output_tokens",p
1795132800,1795219200,2026-11-20T00:00:00+00:00,2026-11-21T00:00:00+00:00,0.01,usd,1,calls,web search,p
1795132800,1795219200,2026-11-20T00:00:00+00:00,2026-11-21T00:00:00+00:00,,,,,,
"""
ANTHROPIC_USAGE = """\
usage_date_utc,model_version,api_key,workspace,usage_type,context_window,usage_input_tokens_no_cache,\
usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,\
usage_output_tokens,web_search_count,inference_geo,speed
2026-11-20,claude-haiku-4-5-20251001,app,Default,standard,≤ 200k,1000,200,30,4,50,0,global,
"""
ANTHROPIC_COST = """\
usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,list_price_usd,cost_type
2026-11-20,Claude Haiku 4.5,Default,app,message,≤ 200k,input_no_cache,0.05,0.05,token
2026-11-20,Claude Haiku 4.5,Default,app,message,≤ 200k,output,0.02,0.02,token
"""


def read(text: str, timezone: ZoneInfo = UTC) -> Invoice:
    return read_invoice(text.encode().splitlines(keepends=True), timezone)


@pytest.mark.parametrize(
    ("text", "form", "measures", "lines"),
    [
        (
            OPENAI_USAGE,
            "OpenAI usage",
            ("requests", "input", "cached", "output"),
            {(DAY, "gpt-4o-mini-2024-07-18"): Figures(4, 4312, 12, 1683)},
        ),
        (
            OPENAI_COSTS,
            "OpenAI costs",
            ("cost",),
            {(DAY, "gpt-5"): Figures(cost=503_835_980), (DAY, "web search"): Figures(cost=10_000_000)},
        ),
        (
            ANTHROPIC_USAGE,
            "Anthropic usage",
            ("input", "cached", "output"),
            {(DAY, "claude-haiku-4-5-20251001"): Figures(input=1234, cached=4, output=50)},
        ),
        (ANTHROPIC_COST, "Anthropic cost", ("cost",), {(DAY, "Claude Haiku 4.5"): Figures(cost=70_000_000)}),
    ],
)
def test_exports_of_providers(text, form, measures, lines):
    assert read(text) == Invoice(form, measures, lines)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_generic_form_in_any_order(delimiter):
    header = "Cost USD,model,ignored,Output Tokens,date,requests,input_tokens,cached_tokens"
    text = f"{header}\r\n$0.25,m,x,7,2026-11-20,2,100,5\r\n"
    invoice = read("\ufeff" + text.replace(",", delimiter))
    assert invoice.form == "generic"
    assert invoice.lines == {(DAY, "m"): Figures(2, 100, 5, 7, 250_000_000)}


def test_only_the_columns_that_are_there_are_compared():
    assert read("date,model,output_tokens\n2026-11-20,m,7\n").measures == ("output",)


def test_several_lines_of_a_day_and_model_are_summed_exactly():
    lines = "2026-11-20,m,0.0000001\n" * 30
    assert read(f"date,model,cost_usd\n{lines}").lines == {(DAY, "m"): Figures(cost=3_000)}


@pytest.mark.parametrize(
    ("written", "number"),
    [("1234", 1234), ('"1,234"', 1234), ("1234.0", 1234), ("1.2e3", 1200), ("", 0), (" 7 ", 7), ("-5", -5)],
)
def test_numbers(written, number):
    lines = f"date,model,input_tokens,output_tokens\n2026-11-20,m,{written},1\n"
    assert read(lines).lines[DAY, "m"].input == number


@pytest.mark.parametrize(
    ("moment", "timezone", "day"),
    [
        ("2026-11-20", BERLIN, "2026-11-20"),
        ("2026-11-20T23:30:00Z", UTC, "2026-11-20"),
        ("2026-11-20T23:30:00Z", BERLIN, "2026-11-21"),
        ("2026-11-20T23:30:00+00:00", BERLIN, "2026-11-21"),
        ("2026-11-20 23:30:00", BERLIN, "2026-11-20"),
        ("1795217400", UTC, "2026-11-20"),
        ("1795217400", BERLIN, "2026-11-21"),
    ],
)
def test_moments_are_put_on_days(moment, timezone, day):
    invoice = read(f"date,model,output_tokens\n{moment},m,7\n", timezone)
    assert list(invoice.lines) == [(day, "m")]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "line 1: these are not the columns"),
        ("a,b\n1,2\n", "line 1: these are not the columns"),
        ("date,model\n", "line 1: there is no column with tokens"),
        (
            "date,model,output_tokens\n2026-11-20,m,1\n2026-11-20,m\n",
            "line 3: it has 2 columns, and the first line has 3",
        ),
        ("date,model,output_tokens\n2026-11-20,m,many\n", "line 2, column output_tokens: 'many' is not a number"),
        ("date,model,output_tokens\n2026-11-20,m,0x10\n", "line 2, column output_tokens"),
        ("date,model,output_tokens\n2026-11-20,m,nan\n", "line 2, column output_tokens"),
        ('date,model,output_tokens\n2026-11-20,m,"1,5"\n', "line 2, column output_tokens"),
        ("date,model,output_tokens\n20/11/2026,m,1\n", "line 2, column date: '20/11/2026' is not a date"),
        ("date,model,output_tokens\n99999999999999999,m,1\n", "line 2, column date"),
        ('date,model,output_tokens\n2026-11-20,"m,1\n', "line 2: not CSV"),
        (OPENAI_COSTS.replace("0.5,usd", "0.5,eur"), "line 3, column amount_currency: only USD"),
    ],
)
def test_what_is_wrong_is_named_with_its_line_and_column(text, problem):
    with pytest.raises(InvoiceError, match=problem.replace("(", r"\(")):
        read(text)


def test_a_file_that_is_not_utf_8_is_named():
    with pytest.raises(InvoiceError, match="line 2: not UTF-8"):
        read_invoice([b"date,model,output_tokens\n", b"2026-11-20,m\xfc,1\n"], UTC)
