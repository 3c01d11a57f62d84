import pytest

from router.core import finders
from router.core.finders import Finder


def within(finder: Finder, text: str) -> bool:
    return finder(text.encode(), 0, len(text))


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111111",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111.1111.1111.1111",
        "4111 - 1111 - 1111 - 1111",
        "4012888888881881",
        "4222222222222",
        "4000 0000 0000 0000 006",
        "5555555555554444",
        "2223003122003222",
        "2720 9900 0000 0007",
        "378282246310005",
        "3782 822463 10005",
        "371449635398431",
        "30569309025904",
        "3056 930902 5904",
        "38520000023237",
        "6011111111111117",
        "6011000990139424",
        "3530111333300000",
        "6200000000000005",
        "6205500000000000004",
        "620550 0000000000004",
        "6759649826438453",
        "2200 0000 0000 0004",
        "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        "41 11 11 11 11 11 11 11",
        "card:4111111111111111.",
        "(4111111111111111)",
        '"4111111111111111"',
        "is 4111 1111 1111 1111, 12/27, 123",
        "4111 1111 1111 1111 123",
        "5 4111 1111 1111 1111",
        "1234 4111 1111 1111 1111",
        "card_4111111111111111",
        "4111111111111111\\nand more",
        "see\\n4111111111111111",
        "\\\\t4111111111111111",
    ],
)
def test_cards(text: str) -> None:
    assert within(finders.credit_card, text)


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112",  # wrong check digit
        "4111 1111 1111 1112",
        "5555555555554445",
        "1111111111111117",  # nobody issues these
        "411111111111111",  # Visa has no 15 digits
        "04111111111111111",
        "41111111111111110",
        "123411111111111111115",
        "0.4111111111111111",
        "4111111111111111.5",
        "10.0.4111.1111.1111.1111",
        "4111.1111.1111.1111.22",
        "a4111111111111111",
        "4111111111111111f",
        "n4111111111111111",
        "4111, 1111, 1111, 1111",
        "4111\n1111\n1111\n1111",
        "2024-01-15 12:30:45.123456",
        "1700000000000",
        "550e8400-e29b-41d4-a716-446655440000",
        "0 4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 5",
        "978-3-16-148410-0",
        "order 4000-1234",
        "5018 0000 0009",  # twelve digits are too few
        "",
    ],
)
def test_no_cards(text: str) -> None:
    assert not within(finders.credit_card, text)


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
    ],
)
def test_ibans(text: str) -> None:
    assert within(finders.iban, text)


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
    assert not within(finders.iban, text)


def test_prose_that_passes_the_checksum_is_no_account() -> None:
    assert not finders.is_iban(b"NO62ABCDEFGHIJK")
    assert any(finders.is_iban(b"NO%02d12345678901" % check) for check in range(2, 99))
    assert any(
        int("".join(str(int(char, 36)) for char in f"ABCDEFGHIJKNO{check:02d}")) % 97 == 1 for check in range(2, 99)
    )


@pytest.mark.parametrize(
    "text",
    [
        "123-45-6789",
        "123 45 6789",
        "078-05-1120",
        "SSN: 123-45-6789.",
        "line 3 123-45-6789",
        "\\t123-45-6789",
        "SSN 123456789",
        "123456789 is her social security number",
        "Social-Security no. 123456789",
    ],
)
def test_social_security_numbers(text: str) -> None:
    assert within(finders.us_ssn, text)


@pytest.mark.parametrize(
    "text",
    [
        "000-12-3456",
        "666-12-3456",
        "900-12-3456",
        "123-00-4567",
        "123-45-0000",
        "123-45 6789",
        "1123-45-6789",
        "123-45-67890",
        "1-123-45-6789",
        "123-45-6789-1",
        "1 123 45 6789",
        "a123-45-6789",
        "123-45-6789b",
        "123456789",
        "order number 123456789",
        "SSN 1234567890",
        "SSN 000456789",
        "SSN a123456789",
        "2024-01-1512",
    ],
)
def test_no_social_security_numbers(text: str) -> None:
    assert not within(finders.us_ssn, text)


@pytest.mark.parametrize(
    "text",
    [
        "+1 415 555 2671",
        "+14155552671",
        "+1 (415) 555-2671",
        "+44 20 7946 0958",
        "+44 (0)20 7946 0958",
        "+49 30 901820",
        "+49-171-1234567",
        "+33.1.23.45.67.89",
        "tel:+4930901820",
        "(415) 555-2671",
        "(415)555-2671",
        "415-555-2671",
        "415.555.2671",
        "415 555 2671",
        "415 555-2671",
        "1-415-555-2671",
        "1 (415) 555-2671",
        "call\\n415-555-2671",
        "020 7946 0958",
        "(020) 7946 0958",
        "07700 900123",
        "0171 1234567",
        "030/9018200",
        "030 / 9018 200",
        "0049 30 901820",
        "01 23 45 67 89",
        "01.23.45.67.89",
        "06-12345678",
    ],
)
def test_phones(text: str) -> None:
    assert within(finders.phone, text)


@pytest.mark.parametrize(
    "text",
    [
        "4155552671",
        "1234567890",
        "2024-01-15 12:30:45",
        "+2024-01-15 12:30",
        "15.01.2024 12:30",
        "01.02.2024 12:30",
        "01-02-2024 1230",
        "08/15/2024 10",
        "+3.1415926535",
        "+1.000.000.000",
        "1+41555526711",
        "++4155552671",
        "+491511234567890123",
        "+49 30 1",
        "1.415.555.2671.1",
        "2.415.555.2671",
        "4111 222 333 4444",
        "415)555-2671",
        "(415 555-2671",
        "415-555.2671",
        "415.555 2671",
        "415-155-2671",
        "415-555-26711",
        "a415-555-2671",
        "4111-1111-1111-1111",
        "192.168.100.2000",
        "0123 4567 8901 2345 6789",
        "2023-09-15 2023",
        "12:05 2024 1234",
        "0123456789",
        "01 23",
        "v2.31.0",
        "123-45-6789",
    ],
)
def test_no_phones(text: str) -> None:
    assert not within(finders.phone, text)


@pytest.mark.parametrize(
    "text",
    [
        "bob@example.com",
        "Bob.Smith+tag@mail.example.co.uk",
        "<bob@example.com>",
        "bob@example.com.",
        "bob_@example.com",
        "\\nbob@example.com",
        "bob@xn--mnchen-3ya.xn--p1ai",
        "legit@example.com",
        "mail git@example.com, bob@example.com",
    ],
)
def test_addresses(text: str) -> None:
    assert finders.email(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "no at sign",
        "@property",
        "@app.route('/x')",
        "\\n@app.route",
        "bob@localhost",
        "git@github.com:org/repo.git",
        "logo@2x.png",
        "types@18.0.0",
        "npm install react@next.js",
        "y = a@b.transpose()",
        "x@y.T",
        "a @ b.com",
        "bob@.com",
        "bob@example.com_",
    ],
)
def test_no_addresses(text: str) -> None:
    assert not finders.email(text.encode())


A36 = "aB3" * 12


@pytest.mark.parametrize(
    "text",
    [
        f"sk-{A36}",
        f"sk-proj-{A36}_x-{A36}",
        f"sk-ant-api03-{A36}-{A36}",
        f"sk-or-v1-{A36}",
        f"OPENAI_API_KEY=sk-{A36}",
        f"my_sk-{A36}",
        f"\\nsk-{A36}",
        "AKIAIOSFODNN7EXAMPLE",
        "ASIAIOSFODNN7EXAMPLE",
        f"ghp_{A36}",
        f"github_pat_{A36}",
        f"AIza{A36}",
        "xoxb-123456789012-1234567890123",
        f"hf_{A36}",
        f"glpat-{A36}",
        f"gsk_{A36}",
        f"bk-{A36}",
        f"sk_live_{A36}",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN RSA PRIVATE KEY-----\\nMIIE",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
    ],
)
def test_keys(text: str) -> None:
    assert finders.api_key(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "a task-oriented approach",
        f"task-{A36}",
        "sk-learn-pipeline-with-many-steps",
        "sk-learn-pipeline-with-10-steps-in-it",
        "sk-abcdefghijklmnopqrstuvwxyz",
        "sk-12345678",
        "AKIAIOSFODNN7EXAMPLES",
        "AKIAIOSFODNN7EXAMPL",
        f"ghp_{A36[:-1]}",
        "xoxo-hugs-and-kisses-to-all-of-you",
        "-----BEGIN PUBLIC KEY-----",
        "END PRIVATE KEY-----",
        "550e8400-e29b-41d4-a716-446655440000",
        "some_long_identifier_name_in_code",
        "",
    ],
)
def test_no_keys(text: str) -> None:
    assert not finders.api_key(text.encode())


@pytest.mark.parametrize("finder", [finders.credit_card, finders.iban, finders.us_ssn, finders.phone])
def test_a_finder_looks_at_what_begins_in_its_block_and_knows_what_stands_before_it(finder: Finder) -> None:
    one = b"4111111111111111, DE89370400440532013000, 123-45-6789, +1 415 555 2671"
    text = b"x" * 100 + b" " + one

    assert finder(text, 90, 110) or finder(text, 110, 200)
    assert not finder(text, 0, 90)
    assert not finder(text, len(text) - 3, len(text))
    assert not finder(b"9" + one[:16], 1, 100)
