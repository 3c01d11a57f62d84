from __future__ import annotations

import pytest

from router.core.reading import BadBody
from router.core.values import Label
from router.surfaces.form import read_form, told_by
from router.surfaces.openai.chat import Chat
from router.surfaces.openai.media.forms import count_in, example_of, flag_in, model_in
from router.surfaces.openai.media.image_edits import ImageEdits
from router.surfaces.openai.media.transcriptions import Transcriptions
from tests.core.conftest import Make

FORM = example_of("m", {"n": "3", "stream": "True", "partial": "", "beam": "yes"}, "file")


def test_fields_are_read_as_all_read_them() -> None:
    form = read_form(FORM, told_by(FORM))
    assert (count_in(form, "n"), count_in(form, "size")) == (3, -1)
    assert (flag_in(form, "stream"), flag_in(form, "partial"), flag_in(form, "other")) == (True, None, None)
    with pytest.raises(BadBody):
        flag_in(form, "beam")


def test_a_model_is_named_or_the_endpoints_own() -> None:
    without = FORM.replace(b'name="model"', b'name="other"')
    form = read_form(without, told_by(without))
    assert model_in(form, "whisper-1") == ("whisper-1", (0, 0))
    with pytest.raises(BadBody):
        model_in(form)


@pytest.mark.parametrize("content_type", ["application/json", ""])
def test_who_takes_forms_takes_nothing_else(content_type: str) -> None:
    with pytest.raises(BadBody):
        Transcriptions().read_as(b"{}", content_type)


def test_a_model_is_replaced_where_it_stands_and_put_first_where_it_does_not(make: Make) -> None:
    route = make.route("api", upstream_model="whisper-large-v3-turbo")
    surface, body = Transcriptions(), example_of("whisper", {"prompt": "whisper"}, "file")
    edited = surface.edit(body, surface.read(body), route)
    assert edited == example_of("whisper-large-v3-turbo", {"prompt": "whisper"}, "file")
    assert surface.edit(body, surface.read(body), make.route("api", upstream_model="whisper")) is not None
    edits = ImageEdits()
    unnamed = body.replace(b'name="model"', b'name="user"')
    made = edits.edit(unnamed, edits.read(unnamed), route)
    assert made.endswith(unnamed) and edits.read(made).model == "whisper-large-v3-turbo"
    assert edits.edit(unnamed, edits.read(unnamed), make.route("api", upstream_model="dall-e-2")) == unnamed


def test_vllm_is_asked_for_the_usage_of_a_stream(make: Make) -> None:
    surface, body = Transcriptions(), example_of("m", {"stream": "true"}, "file")
    edited = surface.edit(body, surface.read(body), make.route("gpu", upstream_model="m"))
    assert edited.endswith(body) and surface.read(edited).wants_usage is True
    assert surface.edit(body, surface.read(body), make.route("api", upstream_model="m")) == body
    asked = example_of("m", {"stream": "true", "stream_include_usage": "true"}, "file")
    assert surface.edit(asked, surface.read(asked), make.route("gpu", upstream_model="m")) == asked


@pytest.mark.parametrize(
    ("fields", "labels"),
    [
        ({}, ()),
        ({"metadata_of_mine": "x"}, ()),
        (
            {"metadata": '{"Sensitivity": "restricted", "tags": ["phi"]}'},
            (Label(level="restricted", source="metadata"), Label(tags=("phi",), source="metadata")),
        ),
        ({"metadata[sensitivity]": "internal"}, (Label(level="internal", source="metadata"),)),
        ({"metadata[tags]": "phi,eu"}, (Label(tags=("phi", "eu"), source="metadata"),)),
    ],
)
def test_a_form_is_labelled_as_json_is(fields: dict[str, str], labels: tuple[Label, ...]) -> None:
    for surface in (Transcriptions(), ImageEdits()):
        body = example_of("m", fields, "file")
        assert surface.read(body).labels == labels


def test_what_is_no_label_is_as_in_json() -> None:
    [malformed] = Transcriptions().read(example_of("m", {"metadata": "restricted"}, "file")).labels
    assert malformed == Chat().read(b'{"model":"m","metadata":"restricted"}').labels[0]
