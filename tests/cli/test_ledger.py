from __future__ import annotations

import argparse
from types import SimpleNamespace

import pytest

from router.cli import ledger, main


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    ledger.add_parser(parser.add_subparsers())
    return parser.parse_args(["ledger", *arguments])


@pytest.mark.parametrize(("arguments", "action"), [(("verify",), "verify"), (("reconcile", "bill.csv"), "reconcile")])
def test_an_action_is_run_by_its_own_module_and_its_status_is_handed_on(monkeypatch, arguments, action):
    seen = []
    module = SimpleNamespace(run=lambda args: seen.append(args.action) or 7)
    args = parsed(*arguments)
    monkeypatch.setattr(ledger, "import_module", lambda name: module if name == ledger.ACTIONS[action] else None)
    assert ledger.run(args) == 7
    assert seen == [action]


@pytest.mark.parametrize("arguments", [(), ("mend",)])
def test_without_an_action_that_exists_it_says_which_there_are(capsys, arguments):
    with pytest.raises(SystemExit) as ended:
        main(["ledger", *arguments])
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert "ACTION" in error or ("verify" in error and "reconcile" in error)
