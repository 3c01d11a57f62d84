import json

import pytest

from router.cli import main
from router.core.values import Cell, Row

NOON = 1_779_271_200.0
GPU = Cell("gpu", "local", "chat", "search", "app")
CLOUD = Cell("openai", "cloud", "chat", "sales", "bot")


@pytest.fixture
def verify(books):
    def run(*arguments: str) -> int:
        return main(["ledger", "verify", "--redis", books.url, *arguments])

    return run


def test_totals_that_agree(books, verify, capsys):
    books.settle(GPU)
    books.settle(CLOUD, NOON + 60)
    assert verify("--to", "2026-05-20") == 0
    assert capsys.readouterr().out.splitlines() == [
        "Checked the totals of 24 hours and 1 day (Europe/Berlin) against 2 request records: they agree.",
        "Records reach back to 2026-05-20 00:00:00+02:00; what is before that cannot be checked.",
    ]


def test_a_difference_is_named(books, verify, capsys):
    books.settle(GPU)
    books.add("hour:494242", Row(CLOUD, requests=1, cost=1_250_000_020))
    assert verify("--to", "2026-05-20") == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("against 1 request record: 2 differences.")
    cell = ["2026-05-20", "12:00+02:00", "openai", "cloud", "chat", "sales", "bot"]
    assert [line.split() for line in lines[-2:]] == [
        [*cell, "requests", "1", "0", "+1"],
        [*cell, "cost", "(micro-USD)", "1,250,000.02", "0", "+1,250,000.02"],
    ]


def test_the_same_as_json(books, verify, capsys):
    books.settle(GPU)
    books.add("day:2026-05-20", Row(GPU, output=5))
    assert verify("--json", "--from", "2026-05-20", "--to", "2026-05-20") == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["agrees"], report["hours"], report["days"]) == (False, 24, 1)
    assert report["differences"] == [
        {"period": "day", "when": "2026-05-20", "backend": "gpu", "zone": "local", "model": "chat", "team": "search"}
        | {"key": "app", "total": "output", "books": 55, "records": 50, "difference": 5}
    ]


def test_what_cannot_be_checked_is_not_well(books, verify, capsys):
    assert verify() == 1
    assert "no request records" in capsys.readouterr().out
    books.settle(GPU)
    assert verify("--to", "2026-05-19", "--json") == 1
    assert json.loads(capsys.readouterr().out)["agrees"] is False


def test_what_could_not_be_read_is_said(books, verify, capsys):
    books.settle(GPU)
    books.client.xadd("be:{ledger}:requests", {"x": "y"})
    assert verify("--to", "2026-05-20") == 0
    assert "1 entry of records could not be read" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--from", "tomorrow"), "a day is"),
        (("--to", "9999-12-31"), "a day is"),
        (("--from", "0001-01-01", "--to", "0001-01-01"), ""),
        (("--from", "2026-05-20", "--to", "2026-05-19"), "--to is before"),
    ],
)
def test_a_wrong_argument_is_explained(books, verify, capsys, arguments, message):
    assert verify(*arguments) == 2
    assert message in capsys.readouterr().err


def test_a_server_that_is_not_there_is_named(capsys):
    assert main(["ledger", "verify", "--redis", "redis://127.0.0.1:1"]) == 1
    assert "127.0.0.1:1" in capsys.readouterr().err
