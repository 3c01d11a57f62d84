"""docs/clients.md: a table of what every client did, which a run makes, and a snippet of each, which its script is.

The snippets can be made without a run, and so can the versions, from the locks; a test compares both with the page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from clients.play import Outcome
from clients.registry import CLIENTS, HERE, ROOT, Client
from clients.things import THINGS
from clients.worlds import PROVIDER, VLLM

INTRODUCTION = """# Clients

Made by `make prove WHAT=clients`: each client below, as it comes from its registry, was run against a whole gateway,
`breakeven serve`, of which it was told nothing but the URL. All of them and the gateway ran in a network of their own
that has nothing in it but loopback, with an empty home.

- *A provider* is a pretended one, shaped as OpenAI and Anthropic document theirs, that calls tools and keeps a bill.
  *A vLLM* is a real one with a small model and a context of 2,048 tokens, started with
  `--override-generation-config '{{"temperature": 0, "max_new_tokens": 200}}'`: asked twice, it has to say the same, and
  no client is to give up before it has.{without}
- A client did what is told here if it got what the backend had said, and if the ledger has all of its requests: in
  front of the provider as many as were billed, with the very tokens that were billed where it bills by tokens.
- Each tool was called by the backend and run by the client, and what it told came back in the answer.
- Bold was streamed.
"""
WITHOUT = " None was there in this run."
SNIPPETS = """\
## Snippets

These are what was run, taken out of the scripts in `tests/clients`. The URL is all that makes them come to the gateway.
`OPENAI_API_KEY` and `ANTHROPIC_API_KEY` hold a key of the gateway, or anything while its policy has none.
"""
_LANGUAGES = {".py": "python", ".mjs": "js", ".sh": "sh", ".java": "java"}
_COMMENT = r"(?:#|//)"


def document(outcomes: Sequence[Outcome], *, with_vllm: bool) -> str:
    lines = [INTRODUCTION.format(without="" if with_vllm else WITHOUT)]
    lines += [f"| client | version | in front of {PROVIDER} | in front of {VLLM} |", "|---|---|---|---|"]
    by_client = {(each.client, each.world): each for each in outcomes}
    lines += [_row(client, by_client, with_vllm) for client in CLIENTS]
    wrong = [f"- {each.client}, in front of {each.world}: {one}" for each in outcomes for one in each.wrong]
    lines += ["", *(["What was not as it should be:", "", *wrong, ""] if wrong else [])]
    return "\n".join([*lines, snippets()])


def _row(client: Client, outcomes: Mapping[tuple[str, str], Outcome], with_vllm: bool) -> str:
    cells = []
    for world in (PROVIDER, VLLM):
        outcome = outcomes.get((client.name, world))
        if outcome is not None:
            cells.append(did(outcome.did))
        else:
            cells.append((client.not_small if with_vllm else "") or "none was there")
    return f"| {client.name} | {version(client)} | {' | '.join(cells)} |"


def did(names: Sequence[str]) -> str:
    """Each thing once, with both forms side by side: "chat, **chat**"."""
    ordered = sorted(names, key=lambda name: list(THINGS).index(name))
    return ", ".join(f"**{THINGS[name].words}**" if THINGS[name].stream else THINGS[name].words for name in ordered)


def version(client: Client) -> str:
    """As the locks have it: `openai` 2.54.0."""
    return ", ".join(f"`{package}` {_locked(client, package)}" for package in client.packages) or "of the JDK"


def _locked(client: Client, package: str) -> str:
    of_node = json.loads((HERE / "node" / "package-lock.json").read_text())["packages"]
    if package.startswith("@") or client.script.endswith(".mjs"):
        return str(of_node[f"node_modules/{package}"]["version"])
    lock = ROOT / "locks" / f"{client.environment.removeprefix('.venv-')}.txt"
    found = re.search(rf"^{re.escape(package)}==(\S+)", lock.read_text(), re.MULTILINE)
    assert found, package
    return found[1]


def snippets() -> str:
    """Everything below the table."""
    return "\n".join(chain([SNIPPETS], *map(_snippet, CLIENTS)))


def _snippet(client: Client) -> Iterator[str]:
    yield f"### {client.name}\n"
    if client.note:
        yield f"{client.note}\n"
    if settings := [f"export {name}={value}" for name, value in (client.url | client.quiet_for_all).items()]:
        yield "\n".join(["```sh", *settings, "```", ""])
    for path, content in client.home.items():
        yield f"`~/{path}`:\n\n```toml\n{content}```\n"
    file = client.shown or client.script
    language = _LANGUAGES[file[file.rindex(".") :]]
    yield f"```{language}\n{snippet_of((HERE / file).read_text())}```\n"


def snippet_of(script: str) -> str:
    """What stands between its two marks."""
    found = re.search(rf"^{_COMMENT} snippet\n(.*?)^{_COMMENT} end$", script, re.MULTILINE | re.DOTALL)
    assert found, "a script has its snippet between two marks"
    return found[1]
