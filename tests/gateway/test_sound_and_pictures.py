"""Forms in and bytes out, through a whole gateway."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode

import pytest
from support.gateway import POLICY
from support.scripted import answer, raw, sound, stream
from support.waiting import until

from router.surfaces.registry import SURFACES

ENDPOINTS = "[speech, transcriptions, translations, images, image_edits, image_variations]"
PRICE = "{input: 1, output: 1, audio_input: 6, second: 0.0001, characters: 15, image: 0.04, images: {512x512: 0.018}}"
SERVING = POLICY.replace("chat: tiny-llama", f"chat: {{model: tiny, endpoints: {ENDPOINTS}}}").replace(
    "chat: gpt-4o-mini", f"chat: {{model: whisper-1, endpoints: {ENDPOINTS}, price: {PRICE}}}"
)
CLOUD = SERVING.replace("strategy: local_first", "strategy: cloud_first").replace(
    "restricted: [local]", "restricted: [local, cloud]"
)
SPEECH = b'{"model":"chat","input":"Good day","voice":"alloy"}'
FORM = SURFACES["transcriptions"].example("chat", "Hello")
TYPE = {"content-type": 'multipart/form-data; boundary="breakeven-example"'}
MP3 = [b"ID3" + bytes(range(256)) * 40, b"data: no event\n\n" * 300, b"\xff\xfb" * 5000]


async def send(gateway, path: str, body: bytes, content_type: str = "") -> tuple[int, dict[str, str], bytes]:
    """As `Gateway.post`, with a content type of one's own."""
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: {content_type or 'application/json'}\r\n"
    return await gateway.exchange(f"{head}content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body)


def recorded(form: bytes) -> bytes:
    """With a file that may be half a minute of sound."""
    return form.replace(b'filename="file"\r\n\r\n', b'filename="file"\r\n\r\n' + bytes(25_000))


async def transcribe(gateway, body: bytes = FORM) -> tuple[int, dict[str, str], bytes]:
    return await send(gateway, "/v1/audio/transcriptions", body, TYPE["content-type"])


# --- bytes out


async def test_sound_passes_as_it_is(serve, backends):
    gateway = await serve(CLOUD)
    backends["api"].default = sound(*MP3)
    status, headers, body = await send(gateway, "/v1/audio/speech", SPEECH)
    assert (status, headers["content-type"], body) == (200, "audio/mpeg", b"".join(MP3))
    assert backends["api"].received.endswith(SPEECH.replace(b"chat", b"whisper-1"))
    assert "\r\naccept: */*\r\n" in backends["api"].heads[-1]
    [row] = gateway.rows()
    seconds = len(b"".join(MP3)) / 20_000
    assert row.output == pytest.approx(seconds * 21, abs=1)
    assert row.cost == pytest.approx((8 * 15 + row.input + row.output) * 1000, abs=2)


@pytest.mark.parametrize("status", [200, 400, 401, 404, 429, 500])
@pytest.mark.parametrize("said", ["%s", "Bearer %s", "in base64"])
async def test_an_error_under_the_name_of_a_sound_is_told_without_our_credential(
    serve, backends, monkeypatch, status, said
):
    key = "sk-of-the-speaker-0123456789"
    told = b64encode(f"user:{key}".encode()).decode() if "base64" in said else said % key
    monkeypatch.setenv("SPEAKER_KEY", key)
    gateway = await serve(
        CLOUD.replace("url: %(api)s", "url: %(api)s, api_key: env:SPEAKER_KEY")
        + "secrets: {SPEAKER_KEY: [127.0.0.1]}\n"
    )
    error = json.dumps({"error": {"message": f"no {told}"}})
    head = f"HTTP/1.1 {status} X\r\ncontent-type: audio/mpeg\r\ncontent-length: {len(error)}\r\n\r\n"
    backends["api"].default = raw(f"{head}{error}".encode())
    _, _, body = await send(gateway, "/v1/audio/speech", SPEECH)
    assert key in backends["api"].heads[-1] and key.encode() not in body and told[8:-8].encode() not in body


async def test_more_sound_than_an_answer_may_be_large_passes_too(serve, backends):
    gateway = await serve(CLOUD + "server: {max_answer_bytes: 1000000}\n")
    backends["api"].default = raw(
        b"HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\ncontent-length: 3000000\r\n\r\n" + bytes(3_000_000)
    )
    status, _, body = await send(gateway, "/v1/audio/speech", SPEECH)
    assert (status, len(body)) == (200, 3_000_000)


@pytest.mark.parametrize(
    "failure",
    [
        answer(500, b"{}"),
        answer(200, b'{"error":{"message":"no","code":"rate_limit_exceeded"}}'),
        answer(200, b'{"text":"no sound"}'),
        sound(b"<html>", content_type="text/html"),
        sound(content_type="audio/mpeg"),
        sound(ends=False),
        stream(b'data: {"type":"speech.audio.delta"}\n\n'),
    ],
)
async def test_before_the_first_byte_another_backend_speaks(serve, backends, failure):
    gateway = await serve(SERVING)
    backends["gpu"].default = failure
    backends["api"].default = sound(*MP3)
    status, headers, body = await send(gateway, "/v1/audio/speech", SPEECH)
    assert (status, headers["x-breakeven-backend"], body) == (200, "api", b"".join(MP3))


async def test_sound_that_is_cut_shows_as_cut_and_no_word_is_put_into_it(serve, backends):
    gateway = await serve(SERVING)
    backends["gpu"].default = sound(*MP3[:2], ends=False)
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(b"POST /v1/audio/speech HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(SPEECH) + SPEECH)
    received = await asyncio.wait_for(reader.read(), 30)
    assert MP3[0] in received and not received.endswith(b"0\r\n\r\n") and b"error" not in received
    assert not backends["api"].requests
    await until(gateway.rows)
    assert gateway.rows()[0].errors == 1
    writer.close()


async def test_who_leaves_in_the_midst_ends_it_at_the_backend(serve, backends):
    gateway = await serve(SERVING)

    async def speak(reader, writer, request):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\ntransfer-encoding: chunked\r\n\r\n3\r\nID3\r\n")
        await reader.read()

    backends["gpu"].default = speak
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(b"POST /v1/audio/speech HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(SPEECH) + SPEECH)
    await asyncio.wait_for(reader.readuntil(b"ID3"), 30)
    writer.transport.abort()
    await asyncio.wait_for(backends["gpu"].left.wait(), 30)
    await until(gateway.rows)


async def test_who_reads_slowly_slows_the_backend(serve, backends):
    gateway = await serve(SERVING.replace("idle_timeout: 1s", "idle_timeout: 30s"))
    sent = 0

    async def speak(reader, writer, request):
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\ncontent-length: 64000000\r\n\r\n")
        for _ in range(1000):
            writer.write(bytes(64_000))
            await writer.drain()
            sent += 64_000

    backends["gpu"].default = speak
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port, limit=1000)
    writer.write(b"POST /v1/audio/speech HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(SPEECH) + SPEECH)
    last = -1
    while sent != last or not sent:  # until nothing moves any more
        last = sent
        await asyncio.sleep(0.3)
    assert sent < 64_000_000
    received = 0
    while received < 64_000_000:
        piece = await asyncio.wait_for(reader.read(1 << 20), 30)
        assert piece
        received += len(piece)
    writer.close()


# --- forms in


async def test_a_form_goes_on_byte_for_byte_but_for_the_model(serve, backends):
    gateway = await serve(CLOUD)
    backends["api"].default = answer(body=b'{"text":"Hi","usage":{"type":"duration","seconds":27}}')
    status, _, body = await transcribe(gateway, recorded(FORM))
    assert (status, body) == (200, b'{"text":"Hi","usage":{"type":"duration","seconds":27}}')
    assert backends["api"].received.endswith(recorded(SURFACES["transcriptions"].example("whisper-1", "Hello")))
    assert f"\r\ncontent-type: {TYPE['content-type']}\r\n" in backends["api"].heads[-1]
    [row] = gateway.rows()
    assert (row.input, row.output, row.cost) == (0, 0, 27 * 100_000)


async def test_a_long_form_is_read_apart_and_goes_on_the_same(serve, backends):
    # The process that reads it has to start first, which takes its time on a busy machine.
    patient = CLOUD.replace("deadline: 5s", "deadline: 60s").replace(
        "first_byte_timeout: 1s", "first_byte_timeout: 30s"
    )
    gateway = await serve(patient)
    backends["api"].default = answer(body=b'{"text":"Hi"}')
    body = FORM.replace(b"\r\n\r\n\r\n--", b"\r\n\r\n" + bytes(range(256)) * 1000 + b"\r\n--")
    assert (await transcribe(gateway, body))[0] == 200
    assert backends["api"].received.endswith(body[-200_000:])
    [row] = gateway.rows()
    assert row.cost == pytest.approx(32_000 * 100 + (row.input - 320) * 1000 + 320 * 6000, rel=0.01)  # 64 kbit/s


async def test_sound_stays_at_home_unless_the_policy_says_otherwise(serve, backends):
    gateway = await serve(SERVING)
    backends["gpu"].default = answer(503, b"{}")
    assert (await transcribe(gateway))[0] == 503
    assert not backends["api"].received


async def test_what_detectors_find_in_a_field_or_a_files_name_counts(serve, backends):
    policy = CLOUD.replace("restricted: [local, cloud]", "heard: [local, cloud], secret: [local]")
    policy = policy.replace("raise_to: restricted", "raise_to: secret")
    policy = policy.replace("default: public", "default: public\n  unreadable: heard")
    gateway = await serve(policy)
    for backend in backends.values():
        backend.default = answer(body=b'{"text":"Hi"}')
    assert (await transcribe(gateway))[1]["x-breakeven-backend"] == "api"
    card = b"4111 1111 1111 1111"
    part = b'--breakeven-example\r\nContent-Disposition: form-data; name="timestamp_granularities[]"\r\n\r\n%b\r\n'
    several = part % card[:9] + part % card[10:] + FORM
    for body in (FORM.replace(b"Hello", card), FORM.replace(b'filename="file"', b'filename="%b"' % card), several):
        assert (await transcribe(gateway, body))[1]["x-breakeven-backend"] == "gpu"


async def test_a_form_that_may_be_read_in_two_ways_goes_nowhere(serve, backends):
    gateway = await serve(CLOUD)
    for body in (FORM + b"more", FORM[2:], FORM.replace(b'name="prompt"', b'name="model"'), b"{}"):
        status, _, answered = await transcribe(gateway, body)
        assert status == 400 and b"error" in answered
    assert (await send(gateway, "/v1/audio/transcriptions", FORM))[0] == 400
    assert not any(backend.received for backend in backends.values())


async def test_a_recording_that_is_too_large_is_refused(serve, backends):
    gateway = await serve(CLOUD + "server: {max_body_bytes: 1000}\n")
    assert (await transcribe(gateway, FORM + bytes(2000)))[0] == 413
    assert not backends["api"].received


@pytest.mark.parametrize("asked", [b"srt", b"text"])
async def test_subtitles_pass_as_they_are_and_json_in_their_place_too(serve, backends, asked):
    gateway = await serve(CLOUD)
    body = FORM.replace(b'name="prompt"', b'name="response_format"').replace(b"Hello", asked)
    said = b"1\n00:00:00,000 --> 00:00:02,000\nHi\n"
    backends["api"].default = sound(said, content_type="text/plain; charset=utf-8")
    assert (await transcribe(gateway, body))[2] == said
    backends["api"].default = answer(body=b'{"text":"Hi"}')
    assert (await transcribe(gateway, body))[2] == b'{"text":"Hi"}'


async def test_a_transcript_streams_and_fails_in_its_own_words(serve, backends):
    gateway = await serve(CLOUD)
    body = FORM.replace(b'name="prompt"', b'name="stream"').replace(b"Hello", b"true")
    delta = b'data: {"type":"transcript.text.delta","delta":"Hi"}\n\n'
    done = b'data: {"type":"transcript.text.done","text":"Hi","usage":{"input_tokens":14,"output_tokens":2}}\n\n'
    backends["api"].default = stream(delta, done)
    assert (await transcribe(gateway, body))[2] == delta + done
    assert (gateway.rows()[0].input, gateway.rows()[0].output) == (14, 2)
    backends["api"].default = stream(delta, ends=False)
    cut = (await transcribe(gateway, body))[2]
    assert cut.startswith(delta + b'data: {"error":') and b"done" not in cut
    backends["api"].default = answer(body=b'{"text":"Hi"}')  # whisper-1 does not stream
    assert (await transcribe(gateway, body))[2] == b'{"text":"Hi"}'


# --- pictures


async def test_pictures_cost_by_their_number_and_size(serve, backends):
    gateway = await serve(CLOUD)
    backends["api"].default = answer(
        body=b'{"created":1,"data":[{"url":"https://a.test/1"},{"url":"https://a.test/2"}]}'
    )
    asked = b'{"model":"chat","prompt":"A cat","n":2,"size":"512x512"}'
    assert (await send(gateway, "/v1/images/generations", asked))[0] == 200
    [row] = gateway.rows()
    assert (row.cost, row.input) == (2 * 18_000_000, 0)
    form = SURFACES["image_edits"].example("chat", "A hat")
    assert (await send(gateway, "/v1/images/edits", form, TYPE["content-type"]))[0] == 200
    assert gateway.rows()[0].cost == 2 * 18_000_000 + 40_000_000, "one was asked for, whatever comes"


async def test_a_picture_streams_with_what_it_used(serve, backends):
    gateway = await serve(CLOUD)
    events = (
        b'event: image_generation.partial_image\ndata: {"type":"image_generation.partial_image","b64_json":"iVBO"}\n\n',
        b'event: image_generation.completed\ndata: {"type":"image_generation.completed","b64_json":"iVBO",'
        b'"usage":{"input_tokens":5,"output_tokens":272}}\n\n',
    )
    backends["api"].default = stream(*events)
    asked = b'{"model":"chat","prompt":"A cat","stream":true}'
    assert (await send(gateway, "/v1/images/generations", asked))[2] == b"".join(events)
    [row] = gateway.rows()
    assert (row.input, row.output) == (5, 272)
