"""The exact bytes of an entry, so that any other tool can check it."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace
from support.audited import ANN, NOON, chain, note

from router.core.audit.entry import (
    FIRST,
    LONGEST_TEXT,
    LONGEST_VALUE,
    MORE,
    MOST_MEMBERS,
    Note,
    canonical,
    read_entry,
    sealed,
)

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def test_an_entry_is_this_line():
    first = sealed(note(old={"order": "auto"}, new={"order": "on"}, note="für heute"), 1, FIRST)
    assert first.decode() == (
        '{"action":"power.order","address":"10.0.0.9","at":"2026-05-20T10:00:00.000000Z",'
        '"hash":"c9aeb240700943a57142aa63f754b2701eed7ac53d2d05028903f7b78fb3ac7e",'
        '"new":{"order":"on"},"note":"für heute","old":{"order":"auto"},'
        f'"prev":"{FIRST}","role":"admin","seq":1,"subject":"gpu","via":"page","who":"ann"}}'
    )


def test_its_hash_is_that_of_what_any_json_library_makes_of_it():
    for line in chain([note(), note("api", new={"b": [1, "ü"], "a": None})]):
        content = json.loads(line)
        said = content.pop("hash")
        plain = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert said == hashlib.sha256(plain.encode()).hexdigest()


def test_each_holds_the_hash_of_the_one_before():
    first, second = map(read_entry, chain([note(), note()]))
    assert (first.seq, first.prev, second.seq, second.prev) == (1, FIRST, 2, first.hash)


def test_an_action_that_is_none_is_not_written():
    with pytest.raises(ValueError, match="is no action of the audit"):
        sealed(note(action="gpu.melt"), 1, FIRST)


@given(old=ANYTHING, subject=st.text(), remark=st.text())
def test_whatever_it_is_told_is_written_so_that_it_can_be_read(old, subject, remark):
    entry = read_entry(sealed(Note(NOON, ANN, "key.edit", subject, old, None, remark), 1, FIRST))
    assert entry.subject[:100] == subject.encode(errors="replace").decode()[:100]


def test_values_are_made_plain():
    class Limit(Struct):
        usd: float

    def written(value: object) -> object:
        return read_entry(sealed(note(new=value), 1, FIRST)).new

    assert written({"usd": 2.5, "n": 2**60, "tags": {"b", "a"}, "limit": Limit(0.1), "b": b"x"}) == {
        "usd": "2.5",
        "n": str(2**60),
        "tags": ["a", "b"],
        "limit": {"usd": "0.1"},
        "b": "b'x'",
    }
    assert written("x" * (LONGEST_TEXT + 1)) == "x" * LONGEST_TEXT + "…"
    large = [f"{number:0100d}" for number in range(LONGEST_VALUE // 100)]
    assert set(written(large)) == {"sha256", "characters"}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda line: line[:-1], "it is not an entry"),
        (lambda line: b"", "it is not an entry"),
        (lambda line: b"[" * 100_000, "it is not an entry"),
        (lambda line: b"[]", "it is not an entry"),
        (lambda line: line.replace(b'"seq":1', b'"seq":"1"'), "it is not an entry"),
        (lambda line: line.replace(b'"seq":1', b'"seq": 1'), "form"),
        (lambda line: line.replace(b'"who":', b'"whom":"x","who":'), "form"),
        (lambda line: line.replace(b"ann", b"\\ud800"), "it was changed"),
        (lambda line: line.replace(b"ann", b"bob"), "it was changed"),
    ],
)
def test_what_is_not_as_it_was_written_says_why(change, why):
    with pytest.raises(ValueError, match=why):
        read_entry(change(sealed(note(), 1, FIRST)))


def independent(value: object) -> str:
    """RFC 8785 by its letter, for what entries are made of."""
    if isinstance(value, dict):
        members = [f"{independent(name)}:{independent(value[name])}" for name in sorted(value, key=code_units)]
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(independent, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def code_units(name: str) -> list[int]:
    encoded = name.encode("utf-16-le")
    return [encoded[place] + 256 * encoded[place + 1] for place in range(0, len(encoded), 2)]


BEYOND = {"models": [{"\U0001f600m": {"\uff5e": 1, "\U0001f600": 2}, "\uff5em": 2}]}


def test_names_beyond_the_basic_plane_stand_as_rfc_8785_has_them():
    line = sealed(note(new=BEYOND), 1, FIRST).decode()
    content = json.loads(line)
    assert line == independent(content) and line.index("\U0001f600m") < line.index("\uff5em")
    said = content.pop("hash")
    assert said == hashlib.sha256(independent(content).encode()).hexdigest()


@given(ANYTHING)
def test_any_value_is_written_as_rfc_8785_has_it(value):
    line = sealed(note(new=value), 1, FIRST).decode()
    assert line == independent(json.loads(line))


def by_code_points(content: object) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def test_an_entry_in_the_older_order_is_still_whole_and_neither_order_can_be_made_the_other():
    content = json.loads(sealed(note(new=BEYOND), 1, FIRST))
    new_hash = content.pop("hash")
    old_hash = hashlib.sha256(by_code_points(content).encode()).hexdigest()
    assert read_entry(by_code_points(content | {"hash": old_hash}).encode()).hash == old_hash
    for forged in (by_code_points(content | {"hash": new_hash}), independent(content | {"hash": old_hash})):
        with pytest.raises(ValueError, match="it was changed"):
            read_entry(forged.encode())


def test_members_stand_in_one_order_whatever_they_are_called():
    assert canonical({"b": 1, "a": {"ü": True, "u": None}}) == '{"a":{"u":null,"ü":true},"b":1}'.encode()


def test_of_very_many_members_the_first_ones_stand_there_with_how_many_there_were_and_a_digest_of_all():
    many = {f"key-{number:03}": number for number in range(MOST_MEMBERS + 1)}
    kept = read_entry(sealed(replace(note(), new=many), 1, FIRST)).new
    assert len(kept) == MOST_MEMBERS + 1 and kept["key-000"] == 0 and "key-200" not in kept
    assert kept[MORE] == {"members": MOST_MEMBERS + 1, "sha256": hashlib.sha256(canonical(many)).hexdigest()}
    other = read_entry(sealed(replace(note(), new=many | {"key-200": 7}), 1, FIRST)).new
    assert other[MORE] != kept[MORE], "what is not shown counts, too"
