"""Keys, tokens and passwords: a table of what they look like, with an example of each.

A new kind is a line of `TOKENS`, if it has a prefix and twenty characters of letters, digits, `_` and `-`; a line of
`MARKED`, if a literal gives it away; else a word of `_ASSIGNED`. Prose is told apart by having no digit, or no long
run without a dash.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from router.core.sensitivity.finders.finder import ADDRESSES, RUNS, WORDS, Finder
from router.core.sensitivity.finders.in_json import BLANK, QUOTE, TAB
from router.core.sensitivity.finders.text import Text

_MADE_UP = "aB3" * 40
"""What examples consist of: nothing that anybody issued."""
_HEX = "4f3a" * 16


class Token(NamedTuple):
    issuer: str
    pattern: bytes
    example: str


TOKENS = (
    Token("OpenAI", rb"sk-(?=[A-Za-z_-]{0,47}[0-9])[A-Za-z0-9_-]{0,24}?[A-Za-z0-9]{16}", f"sk-proj-{_MADE_UP[:48]}"),
    Token("Anthropic", rb"sk-ant-[a-z0-9-]{4,12}-[A-Za-z0-9_-]{24}", f"sk-ant-api03-{_MADE_UP[:80]}"),
    Token("this gateway", rb"bk[-_](?=[A-Za-z_-]{0,63}[0-9])[A-Za-z0-9_-]{20}", f"bk-{_MADE_UP[:32]}"),
    Token("Stripe", rb"(?:[sr]k_(?:live|test)_|whsec_)[A-Za-z0-9]{20}", f"sk_live_{_MADE_UP[:24]}"),
    Token("AWS", rb"(?:AKIA|ASIA)[A-Z0-9]{16}(?![0-9A-Za-z])", "AKIA" + "A7B3" * 4),
    Token("GitHub", rb"gh[pousr]_[A-Za-z0-9]{36}", f"ghp_{_MADE_UP[:36]}"),
    Token("GitHub, fine-grained", rb"github_pat_[A-Za-z0-9_]{22}", f"github_pat_{_MADE_UP[:82]}"),
    Token("GitLab", rb"gl(?:pat|dt|rt|cbt|ptt|soat)-[A-Za-z0-9_-]{20}", f"glpat-{_MADE_UP[:20]}"),
    Token("Google", rb"AIza[A-Za-z0-9_-]{35}", f"AIza{_MADE_UP[:35]}"),
    Token("Google OAuth", rb"GOCSPX-[A-Za-z0-9_-]{28}", f"GOCSPX-{_MADE_UP[:28]}"),
    Token("Slack", rb"xox[abeoprs]-(?=[A-Za-z-]{0,14}[0-9])[A-Za-z0-9-]{15}", f"xoxb-123456789012-{_MADE_UP[:24]}"),
    Token("Hugging Face", rb"hf_[A-Za-z0-9]{30}", f"hf_{_MADE_UP[:34]}"),
    Token("Groq", rb"gsk_(?=[A-Za-z_-]{0,63}[0-9])[A-Za-z0-9_-]{32}", f"gsk_{_MADE_UP[:52]}"),
    Token("xAI", rb"xai-(?=[A-Za-z_-]{0,63}[0-9])[A-Za-z0-9_-]{32}", f"xai-{_MADE_UP[:80]}"),
    Token("Perplexity", rb"pplx-(?=[A-Za-z_-]{0,63}[0-9])[A-Za-z0-9_-]{32}", f"pplx-{_MADE_UP[:48]}"),
    Token("NVIDIA", rb"nvapi-(?=[A-Za-z_-]{0,63}[0-9])[A-Za-z0-9_-]{32}", f"nvapi-{_MADE_UP[:64]}"),
    Token("Replicate", rb"r8_(?=[A-Za-z_-]{0,63}[0-9])[A-Za-z0-9_-]{32}", f"r8_{_MADE_UP[:37]}"),
    Token("npm", rb"npm_[A-Za-z0-9]{36}", f"npm_{_MADE_UP[:36]}"),
    Token("PyPI", rb"pypi-[A-Za-z0-9_-]{60}", f"pypi-AgEI{_MADE_UP[:100]}"),
    Token("RubyGems", rb"rubygems_[a-f0-9]{48}", f"rubygems_{_HEX[:48]}"),
    Token("Docker", rb"dckr_(?:pat|oat)_[A-Za-z0-9_-]{24}", f"dckr_pat_{_MADE_UP[:27]}"),
    Token("Databricks", rb"dapi[a-f0-9]{32}", f"dapi{_HEX[:32]}"),
    Token("Shopify", rb"shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32}", f"shpat_{_HEX[:32]}"),
    Token("DigitalOcean", rb"do[opr]_v1_[a-f0-9]{64}", f"dop_v1_{_HEX}"),
    Token("Linear", rb"lin_api_[A-Za-z0-9]{32}", f"lin_api_{_MADE_UP[:40]}"),
    Token("Grafana", rb"gl(?:c|sa)_[A-Za-z0-9]{32}", f"glsa_{_MADE_UP[:32]}"),
    Token("New Relic", rb"NRAK-[A-Z0-9]{27}", "NRAK-" + "A7B" * 9),
    Token("Postman", rb"PMAK-[a-f0-9]{24}-[a-f0-9]{34}", f"PMAK-{_HEX[:24]}-{_HEX[:34]}"),
    Token("Supabase", rb"sbp_[a-f0-9]{40}", f"sbp_{_HEX[:40]}"),
    Token("Atlassian", rb"ATATT3[A-Za-z0-9_-]{40}", f"ATATT3{_MADE_UP}"),
    Token("Mailgun", rb"key-[a-f0-9]{32}(?![0-9A-Za-z])", f"key-{_HEX[:32]}"),
    Token("Twilio", rb"SK[a-f0-9]{32}(?![0-9A-Za-z])", f"SK{_HEX[:32]}"),
    Token("age", rb"AGE-SECRET-KEY-1[0-9A-Z]{58}", "AGE-SECRET-KEY-1" + "QZ7" * 19 + "Q"),
)


class Marked(NamedTuple):
    what: str
    literals: tuple[bytes, ...]
    """One of these is in the text, in lower case."""
    pattern: bytes
    example: str


SHORT = (
    Marked(
        "PEM and PGP private keys",
        (b"private key",),
        rb"-----BEGIN (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----",
        "-----BEGIN PGP PRIVATE KEY BLOCK-----",
    ),
    Marked(
        "Basic headers",
        (b"uthorization",),
        rb"[Aa](?i:uthorization)['\"]?(?:: ?|, ?)['\"]?(?i:basic) [A-Za-z0-9+/]{8}",
        "Authorization: Basic Ym9iOmh1bnRlcjI=",
    ),
    Marked(
        "passwords in addresses",
        (b"@",),
        rb"://[A-Za-z0-9_.-]{0,64}+:(?!(?i:pass|passw|password|pwd|secret|port|token)@)[^\s/@\"'<>{}$*:]{3,80}@[A-Za-z0-9]",
        "postgres://app:s3cr3t-9@db/prod",
    ),
)
"""The same for secrets of any length."""

MARKED = (
    Marked(
        "JSON web tokens",
        (b"eyj",),
        rb"(?<![0-9A-Za-z_-])eyJ[A-Za-z0-9_-]{12,4000}+\.eyJ[A-Za-z0-9_-]{8,8000}+\.[A-Za-z0-9_-]{16}",
        f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{_MADE_UP[:43]}",
    ),
    Marked(
        "Bearer headers",
        (b"bearer ",),
        rb"(?i:bearer) {1,2}['\"]?(?=[A-Za-z._~+/=-]{0,63}[0-9])[A-Za-z0-9._~+/=-]{20}",
        f"Authorization: Bearer {_MADE_UP[:40]}",
    ),
    Marked(
        "SendGrid",
        (b"sg.",),
        rb"(?<![0-9A-Za-z])SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16}",
        f"SG.{_MADE_UP[:22]}.{_MADE_UP[:43]}",
    ),
    Marked(
        "Vault",
        (b"hvs.", b"hvb.", b"hvr."),
        rb"(?<![0-9A-Za-z])hv[sbr]\.(?=[A-Za-z_-]{0,63}[0-9])[A-Za-z0-9_-]{24}",
        f"hvs.{_MADE_UP[:90]}",
    ),
    Marked("Telegram", (b":aa",), rb"(?<![0-9])[0-9]{8,10}:AA[A-Za-z0-9_-]{33}", f"1234567890:AA{_MADE_UP[:33]}"),
    Marked(
        "Azure connection strings",
        (b"accountkey=", b"accesskey="),
        rb"(?:Account|SharedAccess)Key=[A-Za-z0-9+/]{40}",
        f"AccountKey={_MADE_UP[:86]}==",
    ),
    Marked(
        "Azure client secrets",
        (b"8q~",),
        rb"[A-Za-z0-9~._-]{3}8Q~[A-Za-z0-9~._-]{31}",
        f"xY78Q~{_MADE_UP[:34]}",
    ),
    Marked(
        "Azure signed addresses",
        (b"sig=",),
        rb"[?&]sig=[A-Za-z0-9%+/]{43}",
        f"?sv=2024-05-04&se=2026-01-01&sig={_MADE_UP[:43]}%3D",
    ),
    Marked("Google access tokens", (b"ya29.",), rb"ya29\.[A-Za-z0-9_-]{20}", f"ya29.{_MADE_UP[:60]}"),
    Marked(
        "webhooks",
        (b"/services/t", b"/api/webhooks/"),
        rb"/services/T[A-Z0-9]{6,12}/B[A-Z0-9]{6,12}/[A-Za-z0-9]{20}|/api/webhooks/[0-9]{16,20}/[A-Za-z0-9_-]{40}",
        f"https://hooks.example/services/T0AB12CD3/B0AB12CD3/{_MADE_UP[:24]}",
    ),
    Marked(
        "AWS secret keys",
        (b"secret_access_key", b"secretaccesskey"),
        rb"(?i:secret_?access_?key)['\"]?[\s:=]{1,6}['\"]?[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])",
        f"aws_secret_access_key = {_MADE_UP[:40]}",
    ),
)

_LONG_RUN = 20
_TOKEN = re.compile(rb"(?<![0-9A-Za-z])(?:%b)" % b"|".join(token.pattern for token in TOKENS))
_Marks = tuple[tuple[tuple[bytes, ...], re.Pattern[bytes]], ...]
_MARKED = tuple((marked.literals, re.compile(marked.pattern)) for marked in MARKED)
_SHORT = tuple((marked.literals, re.compile(marked.pattern)) for marked in SHORT)


def api_key(text: Text) -> bool:
    if _is_marked(text, _SHORT) or _is_assigned(text, _PASSWORDS):
        return True
    runs = [text.data[start:stop] for start, stop in text.runs]
    return (
        any(_TOKEN.search(run) for run in runs if len(run) >= _LONG_RUN and _has_digit(run) and not run.isdigit())
        or _is_marked(text, _MARKED)
        or _is_assigned(text, _TOKENS)
    )


def _has_digit(data: bytes) -> bool:
    return len(data) > len(data.translate(None, b"0123456789"))


def _is_marked(text: Text, marks: _Marks) -> bool:
    lower = text.lower
    for literals, pattern in marks:
        for literal in literals:
            if literal in lower and pattern.search(text.data) is not None:
                return True
    return False


# Assignments, in code, configuration and sentences ("the password is ..."), after the name in lower case.
_GIVEN = (
    rb"['\"]?\]? {0,3}(?:=>|:=|==?|:|\bis\b:?)[ \t]{0,3}(?:(?P<quote>['\"`])(?P<quoted>[^'\"`\s]{6,128}+)(?P=quote)"
    rb"|(?P<bare>[^\s'\"`,;&<>(){}\[\]]{6,128}+)(?=[\s,;'\")]|$))"
)
_PASSWORD_WORDS = ((b"pass", rb"pass(?:w(?:or)?[dt]|phrase|code)"), (b"pwd", rb"pwd"))
_TOKEN_WORDS = (
    (b"secret", rb"secret(?:[_-]?key)?"),
    (b"token", rb"token"),
    (b"api", rb"api[ _-]?key"),
    (b"access", rb"access[_-]?key"),
)


class _Word(NamedTuple):
    pattern: re.Pattern[bytes]
    is_password: bool
    """Else the value must be as long as tokens are."""


_PASSWORDS = tuple((hint, _Word(re.compile(word + _GIVEN), True)) for hint, word in _PASSWORD_WORDS)
_TOKENS = tuple((hint, _Word(re.compile(word + _GIVEN), False)) for hint, word in _TOKEN_WORDS)
_PLACEHOLDER = re.compile(rb"[{}$<>*]|\.\.\.|xxx|your|example|placeholder|redacted|dummy|://|%[a-z(]|^[./~]")
_NAME = re.compile(rb"[a-z_][a-z0-9_.]{0,128}")


def _is_assigned(text: Text, words: tuple[tuple[bytes, _Word], ...]) -> bool:
    lower = text.lower
    for hint, word in words:
        if hint in lower and any(_is_secret(match, word) for match in word.pattern.finditer(lower)):
            return True
    return False


def _is_name(value: bytes) -> bool:
    """snake_case, or an attribute of something."""
    return _NAME.fullmatch(value) is not None and (b"_" in value or b"." in value)


def _is_secret(match: re.Match[bytes], word: _Word) -> bool:
    """A value that somebody made up, not the name of a variable, a type or a call."""
    value = match["quoted"] or match["bare"]
    if _PLACEHOLDER.search(value) or (match["bare"] and _is_name(value.rstrip(b"."))):
        return False
    digits = sum(map(value.count, _DIGITS))
    if not word.is_password:
        return len(value) >= 16 and 0 < digits < len(value)
    if value.translate(None, b"0123456789.,:/+-") == b"":
        return value.isdigit()
    return digits > 0 or (match["quoted"] is not None and _SYMBOL.search(value) is not None)


_SYMBOL = re.compile(rb"[!@#%^&+=~?]")
_DIGITS = tuple(b"%d" % digit for digit in range(10))

_RARE = (b"-----begin", b"uthorization", *(hint for hint, _ in _PASSWORD_WORDS))
"""In every text with a secret that is shorter than a run, addresses aside."""


def _in_json(pattern: bytes) -> bytes:
    """The same where quotes and the ends of lines are escaped; what may be long may be of any length."""
    pattern = pattern.replace(rb"['\"]?", rb"(?:%b)?" % QUOTE).replace(rb"[\s:=]{1,6}", rb"(?:[:=]|%b){1,6}" % BLANK)
    return _LONG.sub(rb"\1,}", pattern)


_LONG = re.compile(rb"(\{[0-9]{1,4}),[0-9]{2,4}\}\+?")
_ASSIGNS = rb"(?:%b)?\]? {0,3}(?:=>|:=|==?|:|is:?)(?: |%b){0,3}" % (QUOTE, TAB)
_PLACES = (
    *(_in_json(each.pattern) for each in (*TOKENS, *MARKED, *SHORT)),
    *(rb"(?i)%b%b(?:%b)?[^\s'\"`]{0,}[0-9!@#%%^&+=~?]" % (word, _ASSIGNS, QUOTE) for _, word in _PASSWORD_WORDS),
    *(rb"(?i)%b%b(?:%b[^\s'\"`]{16}|[^\s'\"`,;&<>(){}\[\]]{16})" % (word, _ASSIGNS, QUOTE) for _, word in _TOKEN_WORDS),
)
FINDER = Finder("api_key", api_key, RUNS | WORDS | ADDRESSES, _RARE, _PLACES)
