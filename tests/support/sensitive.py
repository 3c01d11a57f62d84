# ruff: noqa: E501, RUF001 - a form or a template a line, in any script

"""Texts that detectors must find something in: by form, drawn from a seed, as request bodies."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from random import Random
from typing import NamedTuple
from urllib.parse import quote, quote_plus

from stdnum import luhn
from stdnum.iso7064 import mod_97_10

from router.core.policy import DetectorName
from router.core.sensitivity.finders.credentials import MARKED, SHORT, TOKENS
from router.core.sensitivity.finders.text import TooDense, flat
from router.core.sensitivity.unescape import levels, revealed

Make = Callable[[Random], str]
DRAWN = 100
"""Texts of each form."""


def texts_of(body: bytes) -> Iterator[str]:
    """Texts that together show all that a body (valid JSON in UTF-8) says."""
    text = ""
    with suppress(TooDense):
        for text in levels(body):
            yield text
    with suppress(TooDense):
        yield from revealed(flat(text.encode(errors="replace")))


class Form(NamedTuple):
    kind: DetectorName
    name: str
    """For people: docs/detectors.md shows it."""
    make: Make
    wrap: Callable[[str, Random], object] | None = None
    """What is made of the text in place of a message."""


# --- numbers


def card(random: Random) -> str:
    prefix, length = random.choice(
        (("4", 16), ("51", 16), ("55", 16), ("2221", 16), ("37", 15), ("6011", 16), ("3530", 16), ("62", 16), ("4", 19))
    )
    body = prefix + digits(random, length - len(prefix) - 1)
    return body + luhn.calc_check_digit(body)


def long_card(random: Random) -> str:
    """One with sixteen digits."""
    body = random.choice(("4", "52", "2720", "6011")) + digits(random, 15)
    return body[:15] + luhn.calc_check_digit(body[:15])


def digits(random: Random, number: int) -> str:
    return "".join(random.choice("0123456789") for _ in range(number))


def groups(number: str) -> list[str]:
    if len(number) == 15:
        return [number[:4], number[4:10], number[10:]]
    return [number[i : i + 4] for i in range(0, len(number), 4)]


def parted(separators: Sequence[str], make: Make = card) -> Make:
    """Groups as they are embossed, with one of the separators throughout."""
    return lambda random: random.choice(separators).join(groups(make(random)))


def mixed(separators: Sequence[str]) -> Make:
    def make(random: Random) -> str:
        first, *rest = groups(card(random))
        return first + "".join(random.choice(separators) + group for group in rest)

    return make


UNICODE = "\u00a0\u2003\u2009\u202f\u200b\u2060\u00ad\u2010\u2011\u2013\u2014\u2212\u00b7\u2022\u2219\u22c5\u30fb\u2e31\u2e33\ua78f\u318d\uff61\u16eb\u2044\u2215\u2571\u2502\u00a6\u2016\u2551\u254e\u258f\u01c0\uff0c\uff1b\u3001"


def exponential(random: Random) -> str:
    number = card(random)
    sign, zeros = random.choice(("", "+")), "0" * random.randrange(3)
    written = f"{number[0]}.{number[1:].rstrip('0')}{random.choice('eE')}{sign}{zeros}{len(number) - 1}"
    return random.choice(("", "card", "no.")) + written + random.choice(("", ".txt", ".wav", ".0", "L", "f"))


def irregular(random: Random) -> str:
    """Groups of any size from two digits on."""
    number, parts = card(random), []
    while number:
        size = random.choice((2, 3, 4, 5, 6, 8))
        size = len(number) if len(number) - size < 3 or len(parts) == 4 else size
        parts.append(number[:size])
        number = number[size:]
    return random.choice(" -").join(parts)


def spelled(random: Random) -> str:
    return random.choice(" -").join(long_card(random))


def iban(random: Random) -> str:
    country, shape = random.choice(
        (
            *(
                ("DE", "n" * 18),
                ("GB", "aaaa" + "n" * 14),
                ("FR", "n" * 10 + "c" * 11 + "nn"),
                ("NL", "aaaa" + "n" * 10),
            ),
            *(("ES", "n" * 20), ("IT", "a" + "n" * 10 + "c" * 12), ("CH", "n" * 5 + "c" * 12), ("AT", "n" * 16)),
            *(("PL", "n" * 24), ("NO", "n" * 11), ("BE", "n" * 12), ("SE", "n" * 20), ("AE", "n" * 19)),
        )
    )
    drawn = {"n": "0123456789", "a": "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "c": "0123456789"}
    account = "".join(random.choice(drawn[kind]) for kind in shape)
    return country + mod_97_10.calc_check_digits(account + country) + account


def ssn(random: Random) -> tuple[str, str, str]:
    area = random.choice([*range(1, 666), *range(667, 900)])
    return f"{area:03}", f"{random.randint(1, 99):02}", f"{random.randint(1, 9999):04}"


def american(random: Random) -> tuple[str, str, str]:
    return f"{random.randint(201, 989)}", f"{random.randint(200, 999)}", digits(random, 4)


def filled(*patterns: str) -> Make:
    """One of the patterns, with a digit for each # and one from 2 to 9 for each *."""

    def make(random: Random) -> str:
        pattern = random.choice(patterns)
        pattern = re.sub(r"\*", lambda _: random.choice("23456789"), pattern)
        return re.sub("#", lambda _: random.choice("0123456789"), pattern)

    return make


# --- words

NAMES = ("anna", "bob.smith", "j_doe", "maria+news", "li.wei", "o'brien", "x123", "sales-eu")
HOSTS = (
    "example.com",
    "mail.example.org",
    "firma.de",
    "corp.example.co.uk",
    "uni.edu",
    "startup.io",
    "shop.example.fr",
)


def named(between: str, dot: str = ".") -> Make:
    return lambda random: random.choice(NAMES) + between + random.choice(HOSTS).replace(".", dot)


def secret_like(example: str) -> Make:
    """The example with its made-up part drawn anew."""

    def anew(random: Random, run: str) -> str:
        if re.fullmatch("[0-9a-f]+", run):
            return "".join(random.choice("0123456789abcdef") for _ in run)
        return "".join(
            random.choice(next(kind for kind in ("0123456789", LOWER, LOWER.upper()) if char in kind)) for char in run
        )

    return lambda random: re.sub(
        r"(?:aB3|4f3a|A7B3|A7B|QZ7)+[A-Za-z0-9]*", lambda match: anew(random, match[0]), example
    )


LOWER = "abcdefghijklmnopqrstuvwxyz"


def password(random: Random) -> str:
    return "".join(random.choice("abcdefghkmnpqrstuvwxyzABCDEFGHKLMNPQRST") for _ in range(random.randint(5, 9))) + (
        random.choice("23456789") + random.choice(("", "!", "#7", "x"))
    )


def token(random: Random) -> str:
    return "".join(random.choice("abcdef0123456789") for _ in range(31)) + "7"


def given(make: Make, *patterns: str) -> Make:
    return lambda random: random.choice(patterns).replace("?", make(random))


# --- where it stands

SENTENCES = (
    "{}",
    "Please check {} and tell me what to do.",
    "Hello,\n\nhere it is: {}\n\nThanks",
    "I wrote ({}) yesterday.",
    "Summarize:\n- first point\n- {}\n- third point",
    "Kunde schrieb: {}; bitte antworten",
    'He said "{}" and left',
    "note={};",
    "卡号：{}。",
    "| field | value |\n|---|---|\n| a | {} |",
)


def in_sentence(text: str, random: Random) -> str:
    return random.choice(SENTENCES).replace("{}", text)


def body(form: Form, random: Random) -> bytes:
    text = form.make(random)
    if form.wrap is not None:
        return json.dumps({"model": "m", "messages": form.wrap(text, random)}).encode()
    said = in_sentence(text, random)
    plain = random.choice((True, False))
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": said}]}, ensure_ascii=plain).encode()


def _message(content: object) -> list[object]:
    return [{"role": "user", "content": content}]


def as_tool_call(levels: int) -> Callable[[str, Random], object]:
    """JSON in strings in JSON, as the arguments of a tool call are."""

    def wrap(text: str, random: Random) -> object:
        value: object = {"note": in_sentence(text, random), "é": 1}
        for _ in range(levels):
            value = {"arguments": json.dumps(value)}
        return [{"role": "assistant", "tool_calls": [{"function": value}]}]

    return wrap


def in_two_parts(text: str, random: Random) -> object:
    at = _inner(text, random)
    return _message([{"type": "text", "text": f"It is {text[:at]}"}, {"type": "text", "text": f"{text[at:]}."}])


def in_two_messages(text: str, random: Random) -> object:
    at = _inner(text, random)
    return [{"role": "user", "content": f"It is {text[:at]}"}, {"role": "user", "content": f"{text[at:]}, see?"}]


def in_parts_with_settings(text: str, random: Random) -> object:
    """What agents and their libraries put between two texts: settings, signatures, parts and messages that are empty."""
    at = _inner(text, random)
    cached = {"type": "ephemeral", "ttl": "1h"}
    begins, goes_on = f"It is {text[:at]}", f"{text[at:]}, see?"
    thought = {"type": "thinking", "thinking": "", "signature": "9Eq" + "A" * 300}
    nothing = [{"type": "text", "text": ""}] * random.randrange(12)
    first = {"type": "text", "text": begins, "cache_control": cached}
    return _message([first, thought, *nothing, {"cache_control": cached, "type": "text", "text": goes_on}])


def in_messages_with_ids(text: str, random: Random) -> object:
    at = _inner(text, random)
    number = random.randrange(10)
    said = ({"content": f"It is {text[:at]}"}, {"content": f"{text[at:]}, see?"})
    before = random.choice(
        (
            {"role": "tool", "tool_call_id": f"{number}bbe3bKf2"},
            {"id": f"{number}d3e1c9a-aaaa-4bbb-8ccc-dddddddddddd", "role": "user"},
            {"created_at": "2026-12-01T00:00:00Z", "createdBy": "x", "role": "user"},
        )
    )
    silent = [{"role": "assistant", "content": [{"type": "text", "text": ""}]}] * random.randrange(12)
    return [before | said[0], *silent, before | said[1]]


def _inner(text: str, random: Random) -> int:
    """A place between two groups, behind or before the separator, or inside of a number without any."""
    places = [i for i, char in enumerate(text) if not char.isdigit()] or [4, 8, 12]
    return random.choice(places) + random.randint(0, 1)


def _percent(text: str, random: Random) -> object:
    return _message(in_sentence("".join(f"%{octet:02X}" for octet in text.encode()), random))


def _form_encoded(text: str, random: Random) -> object:
    return _message("POST /pay?x=" + quote(text, safe="") + "&y=1")


def _entities(text: str, random: Random) -> object:
    hexadecimal = random.choice((True, False))
    return _message(in_sentence("".join(f"&#x{ord(c):x};" if hexadecimal else f"&#{ord(c)};" for c in text), random))


def _base64(text: str, random: Random) -> object:
    coded = base64.b64encode(in_sentence(text, random).encode()).decode()
    if random.choice((True, False)):
        coded = "\n".join(coded[i : i + 76] for i in range(0, len(coded), 76))
    return _message(f"decode this: {coded}")


def _base64_in_lines(text: str, random: Random) -> object:
    """As mail, PEM and the command `base64` have it, of widths that people choose, too; also quoted in an answer."""
    said = " ".join(in_sentence(text if number == 2 else "", random) for number in range(4))
    coded = base64.b64encode(said.encode()).decode()
    width, end = random.choice((50, 60, 64, 70, 72, 75, 76, 78)), random.choice(("\n", "\r\n", "\n> "))
    return _message("decode this:\n" + end.join(coded[i : i + width] for i in range(0, len(coded), width)))


def _twice(text: str, random: Random) -> object:
    return _message(html.escape(quote(base64.b64encode(f"it is {text}".encode()).decode(), safe="")))


def _form(text: str, random: Random) -> object:
    """As browsers send it, with a plus for each space."""
    said = quote_plus(in_sentence(text, random))
    return _message(random.choice((f"POST /pay\n\nnote={said}&y=1", said)))


def _escaped(text: str) -> str:
    """JSON of which each character is escaped."""
    return '{"note": "' + "".join(f"\\u{ord(char):04x}" for char in text) + '"}'


def _nested_base64(text: str, random: Random) -> object:
    nested = json.dumps({"a": _escaped(text)})
    for _ in range(random.randrange(3)):
        nested = json.dumps({"a": nested})
    return _message("decode this: " + base64.b64encode(nested.encode()).decode())


def _nested_address(text: str, random: Random) -> object:
    nested = json.dumps({"a": json.dumps({"note": "\u200b".join(in_sentence(text, random))})})
    return _message("see https://crm.example/q?f=" + random.choice((quote, quote_plus))(nested))


def _behind_a_backslash(text: str, random: Random) -> object:
    coded = base64.b64encode((random.choice(("note: ", "{", "|", "mine is ")) + text).encode()).decode()
    return _message(f"it is in C:\\tmp\\{coded}")


FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}


ENCODINGS: tuple[tuple[str, Callable[[str, Random], object]], ...] = (
    ("percent-encoded", _percent),
    ("in a query string", _form_encoded),
    ("HTML entities", _entities),
    ("base64", _base64),
    ("base64 in lines", _base64_in_lines),
    ("base64, then percent-encoded", _twice),
    ("in a form, with `+` for spaces", _form),
    ("escapes of JSON in JSON, in base64", _nested_base64),
    ("JSON in JSON with zero-width characters, in an address", _nested_address),
    ("base64 behind a backslash", _behind_a_backslash),
    ("JSON in a tool call", as_tool_call(1)),
    ("JSON in strings, five levels", as_tool_call(5)),
    ("full-width characters", lambda text, random: _message(in_sentence(text.translate(FULL_WIDTH), random))),
    ("zero-width characters inside", lambda text, random: _message(in_sentence("\u200b".join(text), random))),
)

PLAIN: dict[DetectorName, Make] = {
    "credit_card": parted(("", " ", "-")),
    "iban": lambda random: " ".join(groups(iban(random))),
    "us_ssn": lambda random: "-".join(ssn(random)),
    "email": named("@"),
    "phone": filled("+1 4*# *## ####", "+49 171 #######", "+44 20 7*## ####", "+33 6 ## ## ## ##"),
    "api_key": secret_like(TOKENS[0].example),
}

TOKEN_FORMS = tuple(Form("api_key", token.issuer, secret_like(token.example)) for token in TOKENS)
MARKED_FORMS = tuple(Form("api_key", marked.what, secret_like(marked.example)) for marked in (*SHORT, *MARKED))

FORMS: tuple[Form, ...] = (
    Form("credit_card", "solid", card),
    Form("credit_card", "groups with spaces, dashes or points", parted((" ", "-", ".", " - ", "  "))),
    Form("credit_card", "groups with tabs", parted(("\t",))),
    Form("credit_card", "groups on lines", parted(("\n", "\r\n"))),
    Form("credit_card", "groups with `|`, `,`, `/` or `_`", parted(("|", ",", "/", "_", " | ", ", "), long_card)),
    Form("credit_card", "mixed separators", mixed((" ", "-", ".", "  ", " - ", "_", "--"))),
    Form("credit_card", "groups with spaces, dashes, middle dots, slashes, bars or commas of Unicode", parted(tuple(UNICODE), long_card)),
    Form("credit_card", "with an exponent (`4.111111111111111e15`, `card4.111111111111111E+015.txt`)", exponential),
    Form("credit_card", "groups of any size", irregular),
    Form("credit_card", "digit by digit", spelled),
    Form("credit_card", "with a type of code behind it (`…L`, `…n`)", lambda random: card(random) + random.choice("LlnNuUm")),
    Form("credit_card", "glued to a word", lambda random: random.choice(("VISA", "Card", "Mastercard", "cc")) + card(random)),
    Form("credit_card", "from a spreadsheet (`….00`)", lambda random: card(random) + random.choice((".0", ".00"))),
    Form("credit_card", "over two parts", parted(("", " ", "-"), long_card), in_two_parts),
    Form("credit_card", "over two messages", parted(("", " ", "-"), long_card), in_two_messages),
    Form("credit_card", "over two parts, with settings, signatures and empty parts between", parted(("", " ", "-"), long_card), in_parts_with_settings),
    Form("credit_card", "over two messages, with ids, times and empty messages between", parted(("", " ", "-"), long_card), in_messages_with_ids),
    Form("iban", "solid", iban),
    Form("iban", "groups with spaces, dashes or points", lambda r: r.choice((" ", "-", ".")).join(groups(iban(r)))),
    Form("iban", "groups with tabs, line ends or two spaces", lambda r: r.choice(["\t", "\n", "\r\n", "  "]).join(groups(iban(r)))),
    Form("iban", "lower case", lambda random: iban(random).lower()),
    Form("iban", "glued to a word before it", lambda random: random.choice(("IBAN", "Konto", "account")) + iban(random)),
    Form("iban", "glued to a word behind it", lambda random: iban(random) + random.choice(("EUR", "BIC", "Sparkasse"))),
    Form("us_ssn", "with dashes or spaces", lambda random: random.choice("- ").join(ssn(random))),
    Form("us_ssn", "with points, slashes or underscores", lambda random: random.choice("./_").join(ssn(random))),
    Form("us_ssn", "solid beside a word", given(lambda r: "".join(ssn(r)), "SSN ?", "ssn: ?", "? is my social security no.")),
    Form("us_ssn", "solid, glued to the word", given(lambda r: "".join(ssn(r)), "SSN?", "ssn?")),
    Form("us_ssn", "with dashes, glued to letters", lambda r: r.choice(("ssn?", "x?", "?ok", "JohnDoe?")).replace("?", "-".join(ssn(r)))),
    Form("us_ssn", "in a JSON field", given(lambda r: "".join(ssn(r)), '{"ssn": "?"}', '{"social_security_number": ?}')),
    Form("phone", "international", filled("+1 4*# *## ####", "+49 (0)30 9######", "+44 20 7*## ####", "+91 98### #####")),
    Form("phone", "international, solid", filled("+14*#*######", "+49171#######", "+336########", "+861380#######")),
    Form("phone", "international, with 00", filled("0049 171 #######", "0044 20 7*## ####", "00336########")),
    Form("phone", "North American", lambda r: r.choice(("({}) {}-{}", "{}-{}-{}", "{}.{}.{}", "{} {} {}", "1-{}-{}-{}")).format(*american(r))),
    Form("phone", "with a trunk prefix", filled("0171 #######", "030/9######", "020 7*## ####", "06 ## ## ## ##", "(0*0) *## ####")),
    Form("phone", "area code in brackets", filled("(11) 9####-####", "8 (9*#) ###-##-##", "(02) 9### ####")),
    Form("phone", "Indian mobile, two fives", filled("98### #####", "7*### #####")),
    Form("phone", "national, solid, beside a word", filled("phone 4*#*######", "call me on 6*#######", "Tel.: 0171#######", "mobile: 98########", "Handy 0160#######")),
    Form("phone", "national, grouped, beside a word", filled("phone: 6*# ### ###", "WhatsApp 347 *## ####", "tel 501 ### ###", "Telefon 22 33 *# ## ##")),
    Form("phone", "in a JSON field", filled('{"phone": "4*#*######"}', '{"phone_number": "6*#######"}', '{"mobile": 98########}')),
    Form("email", "plain", named("@")),
    Form("email", "other scripts", lambda r: r.choice(("jürgen@example.de", "bob@münchen.de", "用户@例子.公司", "иван@почта.рф", "anna@bücher.example"))),
    Form("email", "punycode", lambda r: r.choice(NAMES) + r.choice(("@xn--mnchen-3ya.de", "@mail.xn--p1ai"))),
    Form("email", "`%40`", named("%40")),
    Form("email", "`(at)`, `[at]`", lambda r: named(r.choice(("(at)", " (at) ", "[at]", " [at] ")))(r)),
    Form("email", "`(at)` and `(dot)`", lambda r: named(r.choice(("(at)", " [at] ")), r.choice(("(dot)", " [dot] ", " dot ")))(r)),
    Form("email", "spelled out", named(" at ", " dot ")),
    Form("email", "`&commat;`, `&#64;`", lambda r: named(r.choice(("&commat;", "&#64;", "&#x40;")))(r)),
    *TOKEN_FORMS,
    *MARKED_FORMS,
    Form("api_key", "passwords in code and configuration", given(password, 'password = "?"', "DB_PASSWORD=?", "password: ?", "passwd='?'", "pwd=?")),
    Form("api_key", "passwords in JSON", given(password, '{"user": "bob", "password": "?"}', '{"passphrase":"?"}')),
    Form("api_key", "passwords in sentences", given(password, "my password is ?", "Password: ?", "the passcode is ?")),
    Form("api_key", "keys by the name of a field", given(token, 'api_key = "?"', "client_secret: ?", "ACCESS_KEY=?", '"auth_token": "?"', "apikey=?")),
    *(Form(kind, name, make, wrap) for kind, make in PLAIN.items() for name, wrap in ENCODINGS),
)  # fmt: skip


def drawn(form: Form) -> list[bytes]:
    """The same for ever: `DRAWN` bodies of a form."""
    random = Random(f"{form.kind} {form.name}")
    return [body(form, random) for _ in range(DRAWN)]
