import json
from urllib.parse import quote

import pytest

from router.litellm_adapter.redact import Redactor, environment_secrets


def test_known_secrets_are_hidden_the_longest_first() -> None:
    assert Redactor(["abcdef", "abcdefgh", "x"])("abcdefgh abcdef x") == "(hidden) (hidden) x"


@pytest.mark.parametrize(
    "secret", ["sk-proj-abcdef123456", "AKIAIOSFODNN7EXAMPLE", "AIzaSyA-1234567890abcdefghij", "gsk-12345678"]
)
def test_what_looks_like_a_key_is_hidden(secret: str) -> None:
    assert Redactor([])(f"got {secret}!") == "got (hidden)!"


def test_bearer_and_query_keys_are_hidden() -> None:
    assert Redactor([])("Bearer abc at http://h/?key=abc&x=1") == "Bearer (hidden) at http://h/?key=(hidden)&x=1"


def test_variables_named_like_secrets() -> None:
    assert environment_secrets({"AWS_SECRET_ACCESS_KEY": "a", "HF_TOKEN": "b", "PATH": "c"}) == ("a", "b")


KEY = "sk-live+0123/456789=="


@pytest.mark.parametrize(
    "form",
    [
        KEY.replace("/", "\\/"),
        KEY.replace("+", "\\u002B"),
        "".join(f"\\u{ord(each):04x}" for each in KEY),
        json.dumps(json.dumps(KEY).replace("/", "\\/")),
        quote(KEY, safe=""),
    ],
)
def test_a_message_that_says_a_known_secret_escaped_is_not_shown(form: str) -> None:
    told = Redactor(["another-secret", KEY])(f"bad key: {form}")
    assert told == "The backend's error is not shown, since it may repeat a credential."


def test_other_escapes_stay() -> None:
    assert Redactor([KEY])("no \\/ such \\u00e9 at 100%") == "no \\/ such \\u00e9 at 100%"
