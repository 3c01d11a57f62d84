from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from router.cli import ledger_server as server
from router.ledger.errors import EmbeddedServerError


def asked(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    server.add_arguments(parser)
    return parser.parse_args(arguments)


class Started:
    """Stands for the embedded server."""

    events: list[str]

    def __init__(self, data_dir: Path) -> None:
        self.events = []
        made.append(self)

    def start(self) -> str:
        self.events.append("started")
        return "unix:///started"

    def stop(self) -> None:
        self.events.append("stopped")


made: list[Started] = []


@pytest.fixture(autouse=True)
def _pretended(monkeypatch: pytest.MonkeyPatch) -> None:
    made.clear()
    monkeypatch.setattr(server, "EmbeddedServer", Started)


def test_a_server_that_is_named_is_taken_and_nothing_is_started(tmp_path: Path) -> None:
    with server.ledger_url(asked("--redis", "redis://there", "--data-dir", str(tmp_path))) as url:
        assert url == "redis://there"
    assert not made


def test_a_server_that_runs_on_the_folder_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "running_url", lambda folder: f"unix://{folder}/s")
    with server.ledger_url(asked("--data-dir", str(tmp_path))) as url:
        assert url == f"unix://{tmp_path}/s"
    assert not made


def test_a_folder_with_data_gets_a_server_for_the_command_which_ends_with_it(tmp_path: Path) -> None:
    (tmp_path / "appendonlydir").mkdir()

    def failing() -> None:
        with server.ledger_url(asked("--data-dir", str(tmp_path))) as url:
            assert url == "unix:///started"
            raise KeyError("the command failed")

    with pytest.raises(KeyError, match="the command failed"):
        failing()
    assert made[0].events == ["started", "stopped"]


def test_a_folder_without_data_is_no_ledger_unless_a_new_one_is_wanted_and_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (
        pytest.raises(EmbeddedServerError, match="nothing was counted in"),
        server.ledger_url(asked("--data-dir", str(tmp_path))),
    ):
        pass
    with server.ledger_url(asked("--data-dir", str(tmp_path)), fresh=True) as url:
        assert url == "unix:///started"
    said = capsys.readouterr().err
    assert str(tmp_path) in said and "no gateway uses it yet" in said


def test_no_ledger_is_begun_in_a_place_that_nobody_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BREAKEVEN_DATA_DIR", raising=False)
    monkeypatch.setattr(server, "default_data_dir", lambda: tmp_path / ".breakeven")
    with pytest.raises(EmbeddedServerError, match="--data-dir"), server.ledger_url(asked(), fresh=True):
        pass
    monkeypatch.setenv("BREAKEVEN_DATA_DIR", str(tmp_path))
    with server.ledger_url(asked(), fresh=True) as url:
        assert url == "unix:///started"


def test_a_server_that_hangs_is_not_taken_for_another_gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "is_silent", lambda folder: True)
    with (
        pytest.raises(EmbeddedServerError, match=r"is there and does not answer.*restart the gateway"),
        server.ledger_url(asked("--data-dir", str(tmp_path)), fresh=True),
    ):
        pass
    assert not made
