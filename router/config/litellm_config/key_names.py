"""Under which variable the policy finds a key that the config has: never the key itself."""

from __future__ import annotations

import re
from collections.abc import Iterator

from router.config.litellm_config.notes import Note
from router.config.litellm_config.providers import provider_of
from router.config.litellm_config.reader import Reader, variable_of
from router.config.problems import FieldPath
from router.config.providers import PROVIDERS, key_names

NO_KEYS = frozenset(
    {"", "none", "null", "empty", "dummy", "fake", "fake-key", "na", "n/a", "no-key", "not-needed", "anything"}
)
"""What people write where a server asks for no key, in small letters."""
_OF_OTHERS = {"custom_openai": "OPENAI", "hosted_vllm": "VLLM", "text-completion-openai": "OPENAI"}


class KeyNames:
    """Two keys never get the same variable, and one key gets one."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._taken = {*_variables(reader.get(())), *_found_unnamed(reader)}
        """Not to be mixed up with the config's keys."""
        self._names: dict[str, str] = {}
        """By the key."""

    def reference(self, path: FieldPath, server: str) -> tuple[str, tuple[Note, ...]]:
        """`server` is the provider, or the host of another server: its variable is called after it.

        `env:NAME` for what stands at the path, empty for none; and what to do about a key in clear text."""
        variable = self._reader.variable(path)
        if variable:
            return f"env:{variable}", ()
        key = self._reader.text(path)
        if key.lower() in NO_KEYS:
            return "", ()
        name = self._names.get(key) or self._new(server)
        self._names[key] = name
        return f"env:{name}", (_loud(path, name),)

    def usual(self, provider: str) -> str:
        """The variable in which LiteLLM finds a known provider's key by itself."""
        return key_names(provider)[0]

    def _new(self, server: str) -> str:
        wanted = f"{_word(server)}_API_KEY"
        free = next(name for number in range(1, 10_000) if (name := _numbered(wanted, number)) not in self._taken)
        self._taken.add(free)
        return free


def _found_unnamed(reader: Reader) -> Iterator[str]:
    """Variables in which the keys of deployments are found that name none."""
    for index in range(len(reader.listing(("model_list",)))):
        params = ("model_list", index, "litellm_params")
        given = reader.mapping(params)
        provider, _ = provider_of(str(given.get("model", "")), str(given.get("custom_llm_provider") or ""))
        if "api_key" not in given and provider in PROVIDERS:
            yield from key_names(provider)


def _loud(path: FieldPath, name: str) -> Note:
    return Note(
        path,
        f"a SECRET stands there in clear text. It was not copied: put it into the environment of the gateway as {name},"
        " and have its provider replace it, since whoever has read that file knows it",
        todo=True,
    )


_REPLACE = (
    "a SECRET stands there in clear text. It was not copied: have it replaced, since whoever read that file knows it"
)
_SECRET_NAME = re.compile(r"(?i)(^|[_-])(api_?key|key|secret|token|password|passwd|credentials?|authorization)($|[_-])")


def with_advice(reader: Reader, note: Note) -> Note:
    """The note, and what to do where a secret stands in clear text in what it is about."""
    if not _has_secret(reader.get(note.path), str(note.path[-1])):
        return note
    return Note(note.path, f"{note.text}. Also, {_REPLACE}", todo=True)


def _has_secret(value: object, name: str) -> bool:
    """Whether a text stands below the name of a secret that is not a variable's."""
    if isinstance(value, dict):
        return any(_has_secret(each, str(field)) for field, each in value.items())
    if isinstance(value, list):
        return any(_has_secret(each, name) for each in value)
    stands = isinstance(value, str) and value.strip().lower() not in NO_KEYS and not variable_of(value)
    return stands and _SECRET_NAME.search(name) is not None


def _word(provider: str) -> str:
    """As the name of a variable begins, which a shell can set: of ASCII, and not with a digit."""
    word = _OF_OTHERS.get(provider) or re.sub(r"[^A-Z0-9]", "_", provider.upper())
    return f"AT_{word}" if word[:1].isdigit() else word


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name}_{number}"


def _variables(value: object) -> list[str]:
    """All that the config takes from its environment."""
    if isinstance(value, dict):
        return [name for each in value.values() for name in _variables(each)]
    if isinstance(value, list):
        return [name for each in value for name in _variables(each)]
    return [variable_of(value)]
