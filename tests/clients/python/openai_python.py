"""openai-python: every endpoint that the gateway has of OpenAI's, streamed where they stream."""

# snippet
from openai import OpenAI

client = OpenAI()
answer = client.responses.create(model="gpt-5-mini", input="What is the capital of France?")
print(answer.output_text)
# end

import io
import json

from did import POPULATION, QUESTION, TOOL_QUESTION, tell

ASKED = [{"role": "user", "content": QUESTION}]
PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
POPULATION_OF = {"name": "population", "description": "How many people live in a city.", "parameters": PARAMETERS}


def chat():
    return client.chat.completions.create(model="gpt-4o-mini", messages=ASKED).choices[0].message.content


def chat_stream():
    with client.chat.completions.stream(model="gpt-4o-mini", messages=ASKED) as stream:
        text = "".join(event.delta for event in stream if event.type == "content.delta")
        assert stream.get_final_completion().choices[0].message.content == text
    return text


def chat_tool():
    messages = [{"role": "user", "content": TOOL_QUESTION}]
    tools = [{"type": "function", "function": POPULATION_OF}]
    said = client.chat.completions.create(model="gpt-4o-mini", messages=messages, tools=tools).choices[0].message
    [call] = said.tool_calls
    assert json.loads(call.function.arguments) == {"city": "Paris"}
    messages += [said, {"role": "tool", "tool_call_id": call.id, "content": POPULATION}]
    return (
        client.chat.completions.create(model="gpt-4o-mini", messages=messages, tools=tools).choices[0].message.content
    )


def responses_stream():
    with client.responses.stream(model="gpt-5-mini", input=QUESTION) as stream:
        text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        assert stream.get_final_response().output_text == text
    return text


def responses_tool():
    asked = [{"role": "user", "content": TOOL_QUESTION}]
    tools = [{"type": "function", "strict": True, **POPULATION_OF}]
    said = client.responses.create(model="gpt-5-mini", input=asked, tools=tools)
    [call] = said.output
    told = {"type": "function_call_output", "call_id": call.call_id, "output": POPULATION}
    return client.responses.create(model="gpt-5-mini", input=[*asked, call, told], tools=tools).output_text


def responses_continued():
    return client.responses.create(model="gpt-5-mini", input=QUESTION, previous_response_id=answer.id).output_text


def responses_stored():
    kept = client.responses.create(model="gpt-5-mini", input=QUESTION)
    text = client.responses.retrieve(kept.id).output_text
    client.responses.delete(kept.id)
    return text


def embeddings():
    [one] = client.embeddings.create(model="text-embedding-3-small", input=QUESTION).data
    return one.embedding


def moderations():
    return client.moderations.create(input=QUESTION).results[0].flagged


def transcription():
    return client.audio.transcriptions.create(model="gpt-4o-mini-transcribe", file=_sound()).text


def transcription_stream():
    stream = client.audio.transcriptions.create(model="gpt-4o-mini-transcribe", file=_sound(), stream=True)
    return "".join(event.delta for event in stream if event.type == "transcript.text.delta")


def speech():
    return client.audio.speech.create(model="gpt-4o-mini-tts", voice="alloy", input=QUESTION).content


def speech_stream():
    with client.audio.speech.with_streaming_response.create(
        model="gpt-4o-mini-tts", voice="alloy", input=QUESTION
    ) as stream:
        return b"".join(stream.iter_bytes())


def image():
    return len(client.images.generate(model="gpt-image-1", prompt="A lighthouse").data[0].b64_json)


def image_stream():
    stream = client.images.generate(model="gpt-image-1", prompt="A lighthouse", stream=True, partial_images=1)
    return [event.type for event in stream]


def image_edit():
    picture = ("lighthouse.png", io.BytesIO(b"\x89PNG\r\n\x1a\n"), "image/png")
    return len(client.images.edit(model="gpt-image-1", image=picture, prompt="At night").data[0].b64_json)


def files():
    kept = client.files.create(file=("notes.txt", b"Paris is a city."), purpose="user_data")
    text = client.files.content(kept.id).text
    assert client.files.delete(kept.id).deleted
    return text


def models():
    return [model.id for model in client.models.list()]


def _sound():
    return ("question.mp3", io.BytesIO(b"ID3\x04pretended"), "audio/mpeg")


tell({name: made for name, made in globals().items() if callable(made)})
