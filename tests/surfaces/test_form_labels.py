"""Forms say by their fields what a JSON body says in its metadata."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.sensitivity.gate import MALFORMED
from router.core.values import Label
from router.surfaces.form import read_form, told_by
from router.surfaces.form_labels import labels_of, labels_of_body

SECRET = Label(level="restricted", source="metadata")
UNKNOWN = Label(level=MALFORMED, source="metadata")


def tagged(*tags: str) -> Label:
    return Label(tags=tags, source="metadata")


def form(*fields: tuple[str, str], more: str = "") -> bytes:
    parts = [f'--b\r\ncontent-disposition: form-data; name="{name}"{more}\r\n\r\n{text}\r\n' for name, text in fields]
    return "".join([*parts, "--b--\r\n"]).encode()


@pytest.mark.parametrize(
    ("fields", "labels"),
    [
        ([("prompt", "metadata")], ()),
        ([("metadata", "")], ()),
        ([("metadata", "null")], ()),
        ([("metadata", '{"user": "u"}'), ("metadata[user]", "u"), ("metadata_x", "{}")], ()),
        ([("metadata", ' {"Sensitivity": "restricted", "tags": ["a", "b"]}')], (SECRET, tagged("a", "b"))),
        ([("metadata", '{"sensitivity": 7}')], (UNKNOWN,)),
        ([("metadata", "restricted")], (UNKNOWN,)),
        ([("metadata", '{"sensitivity"')], (UNKNOWN,)),
        ([("metadata", '{"tags": "a", "tags": "b"}')], (UNKNOWN,)),
        ([("metadata[]", '{"sensitivity": "restricted"}')], (SECRET,)),
        ([("metadata[sensitivity]", "restricted")], (SECRET,)),
        ([("metadata[Sensitivity]", " restricted ")], (SECRET,)),
        ([("metadata.sensitivity", "restricted")], (SECRET,)),
        (
            [("Metadata[sensitivity][]", "restricted"), ("metadata[sensitivity][]", "x")],
            (SECRET, Label("x", (), "metadata")),
        ),
        ([("metadata[sensitivity][level]", "restricted")], (UNKNOWN,)),
        ([("metadata[tags]", "a, b")], (tagged("a", "b"),)),
        ([("metadata[tags]", '["a", 7]')], (tagged("a", MALFORMED),)),
        ([("metadata[tags]", '["a"')], (tagged(MALFORMED),)),
        ([("metadata[tags][]", "a"), ("metadata[tags][]", "b"), ("metadata[tags][0]", "c")], tuple(map(tagged, "abc"))),
    ],
)
def test_labels_of_fields(fields: list[tuple[str, str]], labels: tuple[Label, ...]) -> None:
    body = form(*fields)
    assert labels_of(read_form(body, told_by(body))) == labels
    assert labels_of_body(body) == labels


def test_a_file_may_say_them() -> None:
    assert labels_of_body(form(("metadata", '{"sensitivity": "restricted"}'), more='; filename="m.json"')) == (SECRET,)


def test_of_a_form_that_may_be_read_in_two_ways_the_worst_is_assumed() -> None:
    assert labels_of_body(form(("metadata", "{}"), ("metadata", "{}"))) == (UNKNOWN,)
    assert labels_of_body(b"--b\r\ncontent-disposition: form-data; name='metadata[tags]'\r\n\r\nx") == (UNKNOWN,)
    assert labels_of_body(b"--b\r\nmetadata\xff") == ()


@given(st.binary(max_size=40))
def test_any_bytes_are_labels_or_none(data: bytes) -> None:
    for body in (form(("metadata", "@")), form(("metadata[tags]", "@")), form(("metadata[sensitivity]", "@"))):
        labels_of_body(body.replace(b"@", data))
