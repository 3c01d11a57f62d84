# ruff: noqa: E501 - a template a line

"""Texts in which there is nothing to find, although they look like it: drawn from a seed, and Python's own sources."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

NUMBER = 5000
"""Harmless texts that are drawn."""
_CHUNK = 2000
_EPOCH = datetime(2019, 1, 1, tzinfo=UTC)

WORDS = [
    "the",
    "of",
    "and",
    "to",
    "in",
    "that",
    "is",
    "was",
    "for",
    "on",
    "with",
    "as",
    "by",
    "at",
    "from",
    "order",
    "token",
    "secret",
    "password",
    "phone",
    "number",
    "account",
    "card",
    "call",
    "client",
    "server",
    "request",
    "answer",
    "tell",
    "cell",
    "model",
    "training",
    "batch",
    "table",
    "column",
    "value",
    "price",
    "total",
    "invoice",
    "customer",
    "support",
    "please",
    "explain",
    "summarize",
    "translate",
    "rewrite",
    "compare",
    "function",
    "returns",
    "list",
    "index",
    "error",
    "warning",
    "deploy",
    "release",
    "version",
    "meeting",
    "tomorrow",
    "morning",
    "quarter",
    "budget",
    "report",
    "market",
    "growth",
    "study",
    "patient",
    "water",
    "light",
    "house",
    "garden",
    "river",
    "city",
    "music",
]
IDENTIFIERS = [
    "user_id",
    "token_count",
    "password_field",
    "get_access_token",
    "secretName",
    "apiKeyProvider",
    "phoneNumber",
    "cardType",
    "orderId",
    "index",
    "max_tokens",
    "request_timeout",
    "response_headers",
    "is_valid",
    "total_amount",
    "customerAccountNumber",
    "parse_credit_card_response",
]


def _hex(random: Random, length: int) -> str:
    return "".join(random.choice("0123456789abcdef") for _ in range(length))


def _digits(random: Random, length: int) -> str:
    return random.choice("123456789") + "".join(random.choice("0123456789") for _ in range(length - 1))


def _moment(random: Random) -> datetime:
    return _EPOCH + timedelta(seconds=random.randrange(300_000_000), milliseconds=random.randrange(1000))


def _uuid(random: Random) -> str:
    text = _hex(random, 32)
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{random.choice('89ab')}{text[17:20]}-{text[20:]}"


def _sentence(random: Random) -> str:
    words = [random.choice(WORDS) for _ in range(random.randint(5, 16))]
    return " ".join(words).capitalize() + random.choice(".?!;:")


def prose(random: Random) -> str:
    return " ".join(_sentence(random) for _ in range(random.randint(2, 14)))


def numbers_in_prose(random: Random) -> str:
    figures = (
        lambda: f"{random.uniform(0, 9999):.2f}",
        lambda: f"{random.randint(1, 999_999_999):,}",
        lambda: f"{random.randint(1, 100)} %",
        lambda: f"{random.randint(1900, 2030)}-{random.randint(1900, 2030)}",
        lambda: _moment(random).strftime(random.choice(("%d.%m.%Y", "%Y-%m-%d", "%m/%d/%Y", "%d %B %Y, %H:%M", "%H:%M:%S"))),
        lambda: f"{random.randint(1, 20)}.{random.randint(0, 20)}.{random.randint(0, 20)}",
        lambda: f"RFC {random.randint(1, 9999)}, section {random.randint(1, 15)}.{random.randint(1, 9)}",
        lambda: f"page {random.randint(1, 900)}, lines {random.randint(1, 400)}-{random.randint(401, 900)}",
        lambda: f"{random.randint(1, 12)}x{random.randint(1, 12)} cm, {random.uniform(0, 9):.3f} kg",
        lambda: f"EUR {random.randint(1, 99)}.{random.randint(100, 999)},{random.randint(10, 99)}",
    )  # fmt: skip
    return " ".join(f"{_sentence(random)[:-1]} {random.choice(figures)()}." for _ in range(random.randint(2, 10)))


def python_code(random: Random) -> str:
    lines = []
    for _ in range(random.randint(3, 12)):
        name, other = random.choice(IDENTIFIERS), random.choice(IDENTIFIERS)
        lines += random.choice(
            (
                [f"def {name}({other}: str, timeout: float = {random.randint(1, 600)}.0) -> int:", f"    return {other}"],
                [f"{name} = os.environ.get('{other.upper()}', {random.randint(0, 10**9)})"],
                [f"token = next(tokens{random.randint(1, 9)})", f"password = getpass.getpass('{name}: ')"],
                [f"assert {name}({random.randint(1, 10**6)}, 0x{_hex(random, 8)}) == {random.uniform(0, 1)}"],
                [f"@app.route('/{name}/<int:{other}>')", f"class {name.title()}: pass  # see issue {random.randint(1, 9999)}"],
                [f"{name} = [{', '.join(str(random.randint(0, 9999)) for _ in range(random.randint(3, 20)))}]"],
                [f"result = matrix@weights.T + {name}[{random.randint(0, 99)}:{random.randint(100, 199)}]"],
                [f"password: str = field(repr=False)  # {_sentence(random)}", f"secret_key: str | None = {name}.{other}"],
            )
        )  # fmt: skip
    return "\n".join(lines)


def javascript(random: Random) -> str:
    return "\n".join(
        random.choice(
            (
                f"const {random.choice(IDENTIFIERS)} = await fetch(`/api/${{id}}/{random.randint(1, 10**7)}`);",
                f'import x from "@scope/{random.choice(WORDS)}@{random.randint(0, 20)}.{random.randint(0, 20)}.1";',
                f"  password: z.string().min({random.randint(6, 12)}), token: req.headers.authorization,",
                f"setTimeout(() => done(), {random.randint(100, 10**6)}); // {_sentence(random)}",
                f".box{random.randint(1, 99)} {{ color: #{_hex(random, 6)}; margin: {random.randint(0, 40)}px 0 0 4px }}",
                f'<input type="password" name="password" id="field-{random.randint(1, 10**6)}" placeholder="Password">',
            )
        )
        for _ in range(random.randint(3, 15))
    )


def log(random: Random) -> str:
    moment = _moment(random)
    lines = []
    for _ in range(random.randint(3, 25)):
        moment += timedelta(milliseconds=random.randrange(5000))
        lines.append(
            random.choice(
                (
                    f"{moment.isoformat()} INFO request {_uuid(random)} took {random.uniform(0, 3):.6f} s",
                    f"{moment:%Y-%m-%d %H:%M:%S},{moment.microsecond // 1000:03} [worker-{random.randint(1, 16)}] DEBUG "
                    f"10.{random.randint(0, 255)}.{random.randint(0, 255)}.{random.randint(1, 254)}:{random.randint(1024, 65535)} ok",
                    f"[{moment.timestamp():.3f}] kernel: usb 1-{random.randint(1, 8)}: new device {_digits(random, 4)}",
                    f'{moment:%d/%b/%Y:%H:%M:%S} +0000 "GET /v1/items/{_digits(random, 9)} HTTP/1.1" 200 {_digits(random, 5)}',
                    f"level=warn ts={int(moment.timestamp() * 1000)} trace={_hex(random, 32)} span={_hex(random, 16)}",
                    f"{int(moment.timestamp() * 1_000_000)} offset={_digits(random, 8)} lag={random.randint(0, 999)}",
                )
            )
        )  # fmt: skip
    return "\n".join(lines)


def csv(random: Random) -> str:
    columns = [
        random.choice(
            (
                lambda i: str(i),
                lambda i: f"{random.uniform(-999, 9999):.{random.randint(1, 6)}f}",
                lambda i: str(random.randint(0, 10 ** random.randint(1, 7))),
                lambda i: f"{_moment(random):%Y-%m-%d}",
                lambda i: random.choice(WORDS),
                lambda i: f"SKU-{random.randint(1000, 99999)}",
                lambda i: str(random.randint(1990, 2030)),
            )
        )
        for _ in range(random.randint(2, 9))
    ]
    separator = random.choice((",", ";", "\t", " | ", "  "))
    return "\n".join(separator.join(column(i) for column in columns) for i in range(random.randint(3, 30)))


def matrix(random: Random) -> str:
    """Numbers of one width, as in a spreadsheet or a printed array."""
    width, separator = random.randint(1, 6), random.choice((" ", ", ", "\t", "  "))
    rows, columns = random.randint(2, 12), random.randint(2, 14)
    return "\n".join(separator.join(_digits(random, width) for _ in range(columns)) for _ in range(rows))


def floats(random: Random) -> str:
    return ", ".join(repr(random.uniform(-1, 1) * 10 ** random.randint(-3, 4)) for _ in range(random.randint(4, 60)))


def orders(random: Random) -> str:
    return "\n".join(
        random.choice(
            (
                f"Order {_digits(random, 10)} shipped, tracking 1Z{_hex(random, 6).upper()}{_digits(random, 10)}",
                f"Invoice {random.randint(2015, 2030)}-{_digits(random, 6)} over {random.uniform(1, 5000):.2f} EUR",
                f"order no. {_digits(random, 8)}, customer {_digits(random, 6)}, item {_digits(random, 5)}-{_digits(random, 2)}",
                f"PO#{_digits(random, 7)} / ref {_digits(random, 3)}-{_digits(random, 7)}-{_digits(random, 7)}",
                f"Ticket {random.choice(('ABC', 'OPS', 'INC'))}-{_digits(random, 5)}: {_sentence(random)}",
                f"parcel {_digits(random, 12)} and {_digits(random, 11)}; EAN {_digits(random, 13)}",
                f"ORD-{_digits(random, 10)}, order 555-{_digits(random, 7)}, ref {_digits(random, 16)}",
                f"ISBN 978-{random.randint(0, 9)}-{_digits(random, 3)}-{_digits(random, 5)}-{random.randint(0, 9)}",
            )
        )
        for _ in range(random.randint(1, 6))
    )


def ids(random: Random) -> str:
    return "\n".join(
        random.choice(
            (
                lambda: _uuid(random),
                lambda: f"sha256:{_hex(random, 64)}",
                lambda: f"commit {_hex(random, 40)}",
                lambda: f"{_hex(random, 7)} {_sentence(random)}",
                lambda: f"arn:aws:s3:::bucket-{_digits(random, 6)}/{_hex(random, 12)}",
                lambda: f"id={1_000_000_000_000_000_000 + random.randrange(10**17)}",
                lambda: "".join(random.choice("0123456789ABCDEFGHJKMNPQRSTVWXYZ") for _ in range(26)),
                lambda: ":".join(_hex(random, 2) for _ in range(6)),
                lambda: f"chatcmpl-{_hex(random, 29)} call_{_hex(random, 24)} req_{_hex(random, 32)}",
                lambda: hashlib.md5(_hex(random, 8).encode(), usedforsecurity=False).hexdigest(),
            )
        )()
        for _ in range(random.randint(1, 15))
    )


def versions(random: Random) -> str:
    names = ("numpy", "torch", "requests", "left-pad", "react", "@types/node", "openssl", "libc6")
    return "\n".join(
        f"{random.choice(names)}{random.choice(('==', '@', ' ', '>=', '-'))}"
        f"{random.randint(0, 30)}.{random.randint(0, 30)}.{random.randint(0, 2024)}{random.choice(('', 'rc1', '+cu121', '-beta.2'))}"
        for _ in range(random.randint(3, 20))
    )  # fmt: skip


def addresses(random: Random) -> str:
    return "\n".join(
        random.choice(
            (
                f"https://example.com/{random.choice(WORDS)}/{_digits(random, random.randint(3, 12))}?page={random.randint(1, 99)}",
                f"http://localhost:{random.randint(1024, 65535)}/?q={random.choice(WORDS)}%20{random.choice(WORDS)}",
                f"git clone git@github.example:org/{random.choice(WORDS)}.git",
                f"/usr/lib/python3.{random.randint(8, 14)}/site-packages/{random.choice(IDENTIFIERS)}/module_{random.randint(1, 99)}.py",
                f"C:\\new\\temp\\report{random.randint(1, 9999)}.txt and logo@2x.png",
                f"fe80::{_hex(random, 4)}:{_hex(random, 4)} 192.168.{random.randint(0, 255)}.{random.randint(0, 255)}/24",
                f"redis://cache-{random.randint(1, 9)}:6379/0 and postgres://user:password@localhost:5432/db",
            )
        )
        for _ in range(random.randint(2, 10))
    )  # fmt: skip


def places(random: Random) -> str:
    return "\n".join(
        random.choice(
            (
                f"{random.uniform(-90, 90):.6f}, {random.uniform(-180, 180):.6f}",
                f"M{random.randint(0, 999)} {random.randint(0, 999)}L{random.uniform(0, 99):.2f} {random.uniform(0, 99):.2f}",
                f"{random.randint(1, 9999)} Main Street, {_digits(random, 5)}-{_digits(random, 4)}",
                f"GPS 48°{random.randint(0, 59)}'{random.uniform(0, 59):.2f}\" N, altitude {random.randint(0, 4000)} m",
            )
        )
        for _ in range(random.randint(2, 12))
    )


def encoded(random: Random) -> str:
    """Pictures and other data; the words of search addresses; signs in HTML."""
    data = bytes(random.randrange(256) for _ in range(random.randint(30, 400)))
    return random.choice(
        (
            f'<img src="data:image/png;base64,{base64.b64encode(data).decode()}"> &nbsp; Tom &amp; Jerry &lt;{random.choice(WORDS)}&gt;',
            f"https://example.com/?q={'%20'.join(random.choice(WORDS) for _ in range(8))}&n={random.randint(1, 99)}",
            base64.b64encode(prose(random).encode()).decode(),
            f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(data).decode()}\n-----END CERTIFICATE-----",
        )
    )  # fmt: skip


def json_text(random: Random) -> str:
    return (
        "{"
        + ", ".join(
            random.choice(
                (
                    f'"{random.choice(WORDS)}_{i}": {random.randint(0, 10**6)}',
                    f'"id": "{_uuid(random)}"',
                    f'"created": {int(_moment(random).timestamp())}',
                    f'"type": "password", "label": "{random.choice(WORDS)} password"',
                    f'"usage": {{"prompt_tokens": {random.randint(1, 99999)}, "total_tokens": {random.randint(1, 99999)}}}',
                    f'"values": [{", ".join(_digits(random, random.randint(1, 5)) for _ in range(random.randint(2, 9)))}]',
                )
            )
            for i in range(random.randint(2, 12))
        )
        + "}"
    )


def labels(random: Random) -> str:
    """What forms, manuals and settings say of passwords, cards and phones, without any."""
    return "\n".join(
        random.choice(
            (
                "Password: must have at least 12 characters",
                "password: ********",
                "Your password is required. Forgot password?",
                "api_key: ${API_KEY}",
                "token: <your token here>",
                "secret = os.environ['SECRET']",
                f"phone: +1 (___) ___-____, ext. {random.randint(1, 999)}",
                "Call us Mon-Fri 9-17, SSN is required, IBAN: DE.. .... ....",
                f"card ending in {_digits(random, 4)}, expires {random.randint(1, 12):02}/{random.randint(25, 35)}",
                "token = tokenizer.encode(text); secret: Optional[str] = None",
                f"SELECT phone, password FROM users WHERE id = {_digits(random, 7)};",
                "Bearer authentication with basic understanding of tokens",
                f"max_tokens={random.randint(1, 10**6)}, token_limit: {random.randint(1, 10**9)}",
            )
        )
        for _ in range(random.randint(2, 8))
    )


KINDS: tuple[Callable[[Random], str], ...] = (
    prose, numbers_in_prose, python_code, javascript, log, csv, matrix, floats, orders, ids, versions, addresses, places,
    encoded, json_text, labels,
)  # fmt: skip


def drawn() -> Iterator[tuple[str, str]]:
    """The same for ever: each text with the name of its kind."""
    for number in range(NUMBER):
        make = KINDS[number % len(KINDS)]
        yield make.__name__, make(Random(f"{make.__name__} {number}"))


def sources(most: int) -> Iterator[str]:
    """Pieces of Python's own standard library."""
    found = 0
    for path in sorted(Path(os.__file__).parent.glob("*.py")):
        text = path.read_text(errors="replace")
        for start in range(0, len(text), _CHUNK):
            if found == most:
                return
            found += 1
            yield text[start : start + _CHUNK]
