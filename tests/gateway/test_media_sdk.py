"""OpenAI's own SDK with sound and pictures, through a whole gateway to a provider that has them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import openai
import pytest
from aiohttp import web
from support.gateway import POLICY
from support.openai_media import MP3, SUBTITLES, MediaProvider
from support.waiting import until

MODELS = "whisper: gpt-4o-transcribe, tts: tts-1, img: gpt-image-1.5, omni-moderation-latest: omni-moderation-latest"
SERVING = (
    POLICY.replace("serves: {chat: gpt-4o-mini}", f"serves: {{chat: gpt-4o-mini, {MODELS}}}")
    .replace(
        "models: {",
        "models: {" + "".join(f"{each.split(':')[0]}: {{backends: [api]}}, " for each in MODELS.split(", ")),
    )
    .replace("restricted: [local]", "restricted: [local, cloud]")
)
RECORDING = ("speech.mp3", b"ID3" + bytes(40_000), "audio/mpeg")
PICTURE = ("a.png", b"\x89PNG" + bytes(100), "image/png")


@pytest.fixture
async def provider(backends) -> AsyncIterator[MediaProvider]:
    made = MediaProvider()
    runner = web.AppRunner(made.application())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    backends["api"].url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    yield made
    await runner.cleanup()


@pytest.fixture
async def client(provider, serve) -> AsyncIterator[openai.AsyncOpenAI]:
    gateway = await serve(SERVING)
    async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key="any", max_retries=0, timeout=20) as made:
        made.gateway = gateway
        yield made


async def costs(client) -> int:
    await until(client.gateway.rows)
    return sum(row.cost for row in client.gateway.rows())


async def test_transcriptions(client, provider):
    made = client.audio.transcriptions
    answer = await made.create(model="whisper", file=RECORDING, prompt="Dr. Who")
    assert answer.text == "Hi" and answer.usage.input_token_details.audio_tokens == 10
    path, fields, files = provider.asked[-1]
    assert (path, fields["model"], fields["prompt"]) == ("/v1/audio/transcriptions", "gpt-4o-transcribe", "Dr. Who")
    assert files == {"file": len(RECORDING[1])}
    assert await costs(client) == 90_000  # 4 tokens of text at 2.5, 10 of sound at 6, 2 written at 10
    assert (await made.create(model="whisper", file=RECORDING, response_format="verbose_json")).duration == 8.47
    assert await made.create(model="whisper", file=RECORDING, response_format="srt") == SUBTITLES
    events = [event.type async for event in await made.create(model="whisper", file=RECORDING, stream=True)]
    assert events == ["transcript.text.delta", "transcript.text.done"]


async def test_translations(client, provider):
    assert (await client.audio.translations.create(model="whisper", file=RECORDING)).text == "Hi"


async def test_speech(client, provider):
    async with client.audio.speech.with_streaming_response.create(
        model="tts", input="Good day", voice="alloy"
    ) as answer:
        assert b"".join([piece async for piece in answer.iter_bytes()]) == MP3
    assert provider.asked[-1][1]["model"] == "tts-1"
    assert await costs(client) == 8 * 15_000


async def test_images(client, provider):
    answer = await client.images.generate(model="img", prompt="A cat", n=2)
    assert len(answer.data) == 2
    assert await costs(client) == 50 * 5_000 + 272 * 32_000
    stream = await client.images.generate(model="img", prompt="A cat", stream=True, partial_images=1)
    assert [event.type async for event in stream] == ["image_generation.partial_image", "image_generation.completed"]
    assert len((await client.images.edit(model="img", image=[PICTURE, PICTURE], prompt="A hat")).data) == 1
    assert len((await client.images.create_variation(model="img", image=PICTURE)).data) == 1
    assert provider.asked[-1][2] == {"image": len(PICTURE[1])}


async def test_moderations(client, provider):
    assert not (await client.moderations.create(input=["one", "two"])).results[0].flagged
    assert provider.asked[-1][1]["input"] == "['one', 'two']"
    assert await costs(client) == 0
