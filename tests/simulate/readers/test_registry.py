"""A file is read in the format that it has, and what is wrong with it is said with its place."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import pytest
from support.traces import AZURE, BURSTGPT, BURSTGPT_2, CLIENTS, MOONCAKE, RECORDS, SERVEGEN, sizes, written

from router.simulate.readers.malformed import Malformed
from router.simulate.readers.registry import FORMATS, _LastIds, format_of_file, read

DATA = Path(__file__).parent / "data"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (AZURE, [(1700158546.68059, 374, 44), (1700158550.9, 396, 109)]),
        (MOONCAKE, [(0.0, 6758, 500), (3.052, 2287, 316)]),
        (BURSTGPT, [(5.0, 472, 18), (45.5, 1087, 0)]),
        (BURSTGPT_2, [(19440110.0, 906, 446)]),
        (SERVEGEN, [(0.5, 10, 20), (1.2, 15, 25)]),
        (CLIENTS, [(0.013, 19639, 776), (1.125, 13, 818)]),
        (RECORDS, [(1779267600.25, 100, 7)]),
    ],
    ids=["azure", "mooncake", "burstgpt", "burstgpt 2", "servegen", "servegen-clients", "records"],
)
def test_the_format_is_known_by_its_columns(tmp_path: Path, text: str, expected: list[tuple[float, int, int]]) -> None:
    assert sizes(list(read(written(tmp_path, text)))) == expected
    assert sizes(list(read(written(tmp_path, gzip.compress(text.encode()))))) == expected
    assert sizes(list(read(written(tmp_path, b"\xef\xbb\xbf" + text.encode())))) == expected


def test_azures_own_file_is_read() -> None:
    requests = list(read(DATA / "azure-conv-200.csv"))
    assert len(requests) == 200 and (requests[0].input, requests[0].output) == (374, 44)
    assert all(one.at <= other.at for one, other in pairwise(requests))


def test_what_a_format_tells_besides_is_kept(tmp_path: Path) -> None:
    [burst] = read(written(tmp_path, BURSTGPT_2))
    assert (burst.seconds, burst.model, burst.id) == (43.0, "", "line 2")
    first, _ = read(written(tmp_path, SERVEGEN))
    assert first.id == "0"
    first, _ = read(written(tmp_path, CLIENTS))
    assert first.team == "client-15"


def line_of(number: int, text: str, wrong: Mapping[str, str]) -> str:
    lines = text.splitlines()
    for old, new in wrong.items():
        assert old in lines[number - 1]
        lines[number - 1] = lines[number - 1].replace(old, new)
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            line_of(3, AZURE, {"396": "many"}),
            ":3: column ContextTokens: 'many' is not a number of tokens up to 100 million, such as 512",
        ),
        (line_of(3, AZURE, {"396": "1000000000000"}), ":3: column ContextTokens: '1000000000000' is not a number of"),
        (
            line_of(3, AZURE, {"396": ""}),
            ":3: column ContextTokens: nothing is not a number of tokens up to 100 million, such as 512",
        ),
        (line_of(3, AZURE, {"396": "-5"}), ":3: column ContextTokens: '-5' is not a number of tokens"),
        (
            line_of(3, AZURE, {"2023-11-16": "2023-11-46"}),
            ":3: column TIMESTAMP: '2023-11-46 18:15:50.9' is not a time",
        ),
        (line_of(2, AZURE, {"374,44": "374"}), ":2: 2 columns, and the first line names 3: TIMESTAMP, Context"),
        (line_of(2, AZURE, {"374": '"3"74'}), ":2: it is no line of CSV"),
        (line_of(2, MOONCAKE, {"2287": '"2287x"'}), ":2: column input_length: '2287x' is not a number of tokens"),
        (line_of(2, MOONCAKE, {'"input_length": 2287, ': ""}), ":2: column input_length: nothing is not a number"),
        (line_of(2, MOONCAKE, {"}": ""}), ":2: '{.*is no JSON object on one line"),
        (line_of(2, MOONCAKE, {MOONCAKE.splitlines()[1]: "[1]"}), ":2: .* is no JSON object on one line"),
        (line_of(2, SERVEGEN, {"0.5": "-0.5"}), ":2: column timestamp: '-0.5' is not a number that is not below 0"),
        (line_of(1, RECORDS, {"2026-05-20": "20 May"}), ":1: column time: '20 MayT09:00:00.250000Z' is not a time"),
        (
            line_of(1, RECORDS, {'"gpu"': '"gpu","states":["gpu broken"]'}),
            ":1: column states: .* is not a list of notes",
        ),
        (
            line_of(1, RECORDS, {'"gpu"': '"gpu","previous_side":"left"'}),
            ":1: column previous_side: 'left' is not a side",
        ),
        (line_of(1, RECORDS, {'["phi"]': '"phi"'}), ":1: column tags: 'phi' is not a list of texts"),
        ("", ": the file is empty"),
        ("\n\n", ": the file is empty"),
        ("when,how much\n1,2\n", ":1: CSV with the columns when, how much is no format that is known. Known are"),
        ('{"prompt": "hello"}\n', ":1: JSON lines with the columns prompt is no format"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(Malformed, match=says) as raised:
        list(read(written(tmp_path, text)))
    assert str(raised.value).startswith(str(tmp_path / "trace"))


def test_an_unknown_format_names_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(Malformed) as raised:
        list(read(written(tmp_path, ",".join(f"column-{n}" for n in range(100)) + "\n")))
    for name, form in FORMATS.items():
        assert f"{name}: {', '.join(form.known_by)}" in str(raised.value)
    assert "--columns" in str(raised.value) and len(str(raised.value)) < 1000


def test_lines_of_json_may_hold_more_than_is_read(tmp_path: Path) -> None:
    line = json.dumps({**json.loads(RECORDS), "prompt": "never read", "input_tokens": 5})
    [request] = read(written(tmp_path, line))
    assert request.input == 5 and "never read" not in repr(request)


def test_a_column_that_is_there_twice(tmp_path: Path) -> None:
    twice = AZURE.replace("GeneratedTokens", "ContextTokens,GeneratedTokens").replace(",44", ",44,44")
    with pytest.raises(Malformed, match=":1: there are several columns ContextTokens: leave all but one out"):
        list(read(written(tmp_path, twice)))
    others = "".join(f"{line},x,y\n" for line in AZURE.splitlines()).replace("Tokens,x,y", "Tokens,note,note")
    assert len(list(read(written(tmp_path, others)))) == 2


def test_an_export_that_stands_twice_in_a_file(tmp_path: Path) -> None:
    """By the ledger's own ids; what was refused has none."""
    first, second = (RECORDS.replace('"kind"', f'"reservation_id":"{id}","kind"') for id in ("a", "b"))
    refused = RECORDS.replace('"settled"', '"refused"').replace('"kind"', '"reservation_id":"","kind"')
    assert len(list(read(written(tmp_path, first + second + refused + refused)))) == 4
    again = ":3: column reservation_id: the same request stands in line 1: leave one out, or it counts twice"
    with pytest.raises(Malformed, match=again):
        list(read(written(tmp_path, first + second + first)))


def test_ids_of_a_long_file_are_not_all_kept(tmp_path: Path) -> None:
    ids = _LastIds(most=2)
    assert [ids.line_of(name, line) for line, name in enumerate(["a", "b", "c", "a", "a", ""], 1)] == [0, 0, 0, 0, 4, 0]


def test_the_format_of_a_file_is_told_without_reading_it(tmp_path: Path) -> None:
    assert format_of_file(written(tmp_path, AZURE)).name == "azure"
    assert format_of_file(written(tmp_path, RECORDS)).name == "records"
