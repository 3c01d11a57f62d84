"""docs/clients.md has every client, with the version of the locks, and snippets that are what the scripts run."""

from __future__ import annotations

import pytest
from clients.page import did, snippet_of, snippets, version
from clients.play import Outcome
from clients.registry import CLIENTS, GATEWAY, HERE, Client
from clients.things import THINGS

from tests.docs.markdown import ROOT

PAGE = (ROOT / "docs" / "clients.md").read_text()
HELPERS = {"did.py", "did.mjs", "did.sh"}
RUN_AGAIN = "run `make prove WHAT=clients`"


def test_every_script_is_a_clients() -> None:
    scripts = {
        f"{folder}/{path.name}"
        for folder, kind in (("python", "*.py"), ("node", "*.mjs"), ("shell", "*.sh"))
        for path in (HERE / folder).glob(kind)
        if path.name not in HELPERS
    }
    assert scripts == {client.script for client in CLIENTS}


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_a_client_stands_in_the_table_with_its_version_and_all_that_it_does(client: Client) -> None:
    [row] = [line for line in PAGE.splitlines() if line.startswith(f"| {client.name} | ")]
    _, _, told, provider, _, _ = row.split("|")
    assert told.strip() == version(client), RUN_AGAIN
    assert provider.strip() == did((client.snippet, *client.does)), RUN_AGAIN


def test_the_snippets_are_those_of_the_scripts() -> None:
    assert PAGE.endswith(snippets()), RUN_AGAIN


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_a_snippet_is_told_the_gateways_url_once(client: Client) -> None:
    text = snippet_of((HERE / (client.shown or client.script)).read_text())
    told = "\n".join([*client.url.values(), *client.home.values(), text])
    assert told.count(GATEWAY) == 1


def test_all_that_clients_do_is_a_thing() -> None:
    assert {name for client in CLIENTS for name in (client.snippet, *client.does)} <= set(THINGS)


def test_what_was_streamed_is_bold() -> None:
    outcome = Outcome("one", "a provider", ("messages_stream", "chat"), (), 2)
    assert did(outcome.did) == "chat, **messages**"
