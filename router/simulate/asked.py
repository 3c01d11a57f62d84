"""What a request to /v1/chat/completions or /v1/completions asks for."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from router.simulate.generate import count_tokens

TOKENS_PER_MESSAGE = 4
_MEDIA_TOKENS = 256

Json = dict[str, Any]


class InvalidError(Exception):
    """A request that the API refuses. `code` is OpenAI's; vLLM puts the status there."""

    def __init__(self, message: str, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code


class Prompt(Struct, frozen=True):
    text: str
    """The last words of the user, for the answer to refer to."""
    tokens: int


class Tool(Struct, frozen=True):
    """A function that must be called."""

    name: str
    schema: Json
    named: bool
    """True when tool_choice names it, false when any call would do."""


class Asked(Struct, frozen=True):
    model: str
    prompts: tuple[Prompt, ...]
    n: int = 1
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    stream: bool = False
    include_usage: bool = False
    continuous_usage: bool = False
    logprobs: bool = False
    tool: Tool | None = None
    ignore_eos: bool = False
    """vLLM's: go on until max_tokens."""

    @property
    def prompt_tokens(self) -> int:
        return sum(prompt.tokens for prompt in self.prompts)


def read_chat(body: Json) -> Asked:
    """Raises InvalidError."""
    messages = required(body, "messages", list)
    if not messages:
        raise InvalidError(
            "Invalid 'messages': empty array. Expected an array with minimum length 1.", "messages", "empty_array"
        )
    options = _common(body)
    limit = integer(body, "max_completion_tokens", 1)
    return Asked(
        prompts=(_prompt_of(messages),),
        logprobs=body.get("logprobs") is True,
        tool=_forced_tool(body),
        **{**options, "max_tokens": limit if limit is not None else options["max_tokens"]},
    )


def read_completion(body: Json) -> Asked:
    """Raises InvalidError."""
    prompts = _prompts(required(body, "prompt", (str, list)), "prompt")
    return Asked(prompts=prompts, logprobs=body.get("logprobs") is not None, **_common(body))


def read_inputs(body: Json) -> tuple[Prompt, ...]:
    """The texts of an embeddings request. Raises InvalidError."""
    return _prompts(required(body, "input", (str, list)), "input")


def _common(body: Json) -> Json:
    options = body.get("stream_options") or {}
    stream = body.get("stream") is True
    if options and not stream:
        raise InvalidError(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            "stream_options",
            "invalid_value",
        )
    return {
        "model": body.get("model", ""),
        "n": integer(body, "n", 1) or 1,
        "max_tokens": integer(body, "max_tokens", 1),
        "stop": _stop(body.get("stop")),
        "stream": stream,
        "include_usage": options.get("include_usage") is True,
        "continuous_usage": options.get("continuous_usage_stats") is True,
        "ignore_eos": body.get("ignore_eos") is True,
    }


def required(body: Json, name: str, kinds: type | tuple[type, ...]) -> Any:
    if name not in body:
        raise InvalidError(f"Missing required parameter: '{name}'.", name, "missing_required_parameter")
    if not isinstance(body[name], kinds):
        raise InvalidError(f"Invalid type for '{name}'.", name, "invalid_type")
    return body[name]


def integer(body: Json, name: str, least: int) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidError(f"Invalid type for '{name}': expected an integer.", name, "invalid_type")
    if value < least:
        raise InvalidError(
            f"Invalid '{name}': integer below minimum value. Expected a value >= {least}, but got {value} instead.",
            name,
            "integer_below_min_value",
        )
    return value


def _stop(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    stops = [value] if isinstance(value, str) else value
    if not isinstance(stops, list) or not all(isinstance(stop, str) for stop in stops):
        raise InvalidError("Invalid type for 'stop': expected a string or an array of strings.", "stop", "invalid_type")
    return tuple(stop for stop in stops if stop)


def _prompts(value: Any, param: str) -> tuple[Prompt, ...]:
    """From a text, texts, token ids, or lists of token ids."""
    if isinstance(value, str):
        return (Prompt(value, count_tokens(value)),)
    if value and all(isinstance(item, int) for item in value):
        return (_from_ids(value),)
    if value and all(isinstance(item, str) for item in value):
        return tuple(Prompt(item, count_tokens(item)) for item in value)
    if value and all(isinstance(item, list) and all(isinstance(i, int) for i in item) for item in value):
        return tuple(_from_ids(item) for item in value)
    raise InvalidError(f"Invalid '{param}': expected text, an array of texts or token ids.", param, "invalid_type")


def _from_ids(ids: list[int]) -> Prompt:
    return Prompt(f"{len(ids)} token ids", len(ids))


def _prompt_of(messages: list[Any]) -> Prompt:
    for place, message in enumerate(messages):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise InvalidError(
                f"Invalid 'messages[{place}]': expected an object with a role.", f"messages[{place}]", "invalid_type"
            )
    users = [message for message in messages if message["role"] == "user"]
    tokens = sum(TOKENS_PER_MESSAGE + _content_tokens(message.get("content")) for message in messages)
    return Prompt(_content_text((users or messages)[-1].get("content")), tokens)


def _content_text(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return " ".join(str(part.get("text", "")) for part in parts if isinstance(part, dict)).strip()


def _content_tokens(content: Any) -> int:
    parts = content if isinstance(content, list) else []
    media = sum(_MEDIA_TOKENS for part in parts if isinstance(part, dict) and part.get("type") != "text")
    return count_tokens(_content_text(content)) + media


def _forced_tool(body: Json) -> Tool | None:
    choice = body.get("tool_choice")
    named = choice.get("function", {}).get("name") if isinstance(choice, dict) else None
    if choice != "required" and named is None:
        return None
    functions = [tool.get("function", {}) for tool in body.get("tools") or [] if isinstance(tool, dict)]
    for function in functions:
        if named in (None, function.get("name")):
            return Tool(function.get("name", ""), function.get("parameters") or {}, named is not None)
    raise InvalidError("Invalid value for 'tool_choice': no such tool in 'tools'.", "tool_choice", "invalid_value")
