import re
from importlib.resources import files

import pytest

from router.core.sensitivity.finders.ibans import LENGTHS, iban, is_iban
from router.core.sensitivity.finders.text import Text, flat


def found(text: str) -> bool:
    return iban(Text(flat(text.encode())))


@pytest.mark.parametrize(
    "text",
    [
        "GB29 NWBK 6016 1331 9268 19",
        "GB29NWBK60161331926819",
        "gb29nwbk60161331926819",
        "DE89 3704 0044 0532 0130 00",
        "DE89-3704-0044-0532-0130-00",
        "FR14 2004 1010 0505 0001 3M02 606",
        "NL91 ABNA 0417 1643 00",
        "NO93 8601 1117 947",
        "MT84 MALT 0110 0001 2345 MTLC AST0 01S",
        "QA58 DOHB 0000 1234 5678 90AB CDEF G",
        "LC55HEMM000100010012001200023015",
        "IBAN:DE89370400440532013000, BIC: COBADEFF",
        "pay to DE89 3704 0044 0532 0130 00 and tell me",
        "\\nDE89370400440532013000",
        "DE89\t3704\t0044\t0532\t0130\t00",
        "DE89\n3704\n0044\n0532\n0130\n00",
        "DE89\r\n3704 0044\r\n0532 0130 00",
        "DE89  3704  0044  0532  0130  00",
        "DE89/3704/0044/0532/0130/00",
        "IBANDE89370400440532013000",
        "DE89370400440532013000EUR",
    ],
)
def test_ibans(text: str) -> None:
    assert found(text)


@pytest.mark.parametrize(
    "text",
    [
        "DE89 3704 0044 0532 0130 01",  # wrong check digits
        "GB28 NWBK 6016 1331 9268 19",
        "ZZ89 3704 0044 0532 0130 00",
        "DE89 3704 0044 0532 0130",
        "DE893704004405320130001",
        "XDE89370400440532013000",
        "DE89",
        "sha256 of the file, and more text behind it",
        "no12 more words than that are here",
    ],
)
def test_no_ibans(text: str) -> None:
    assert not found(text)


def test_prose_that_passes_the_checksum_is_no_account() -> None:
    assert not is_iban(b"NO62ABCDEFGHIJK")
    assert any(is_iban(b"NO%02d12345678901" % check) for check in range(2, 99))


def test_lengths_are_those_of_the_registry() -> None:
    registered = {}
    for line in files("stdnum").joinpath("iban.dat").read_text().splitlines():
        if entry := re.match(r'([A-Z]{2}) .*bban="([^"]*)"', line):
            registered[entry[1]] = 4 + sum(map(int, re.findall(r"(\d+)!", entry[2])))
    assert {country.decode(): length for length, all in LENGTHS.items() for country in all.split()} == registered
