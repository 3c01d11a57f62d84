"""A control plane is put together from its settings before the ledger, or anything else, is reached."""

from __future__ import annotations

import json

import msgspec
import pytest
from support.control import ADMIN, POLICY, VIEWER

from router.admin.assemble import make_control
from router.admin.sources.interface import Sources
from router.config.load import version_of
from router.config.problems import PolicyError

BROKEN = POLICY.replace("zone: cloud", "zone: clowd")


@pytest.fixture
def session_valkey() -> str:
    """No server is there."""
    return "redis://127.0.0.1:1/0"


@pytest.fixture
def make(settings, clock):
    return lambda **changes: make_control(msgspec.structs.replace(settings, **changes), lambda plan: "", clock)


def test_the_policys_file_is_in_force_from_the_start(make):
    control = make()
    assert control.desk.plan.version == version_of(POLICY.encode())
    assert [each.how for each in control.desk.history.entries()] == ["found"]


def test_the_last_good_copy_is_while_the_file_is_broken(make, policy, tmp_path):
    policy.write_text(BROKEN)
    (tmp_path / "last-good.yaml").write_text(POLICY)
    assert make().desk.plan.version == version_of(POLICY.encode())


def test_where_neither_is_good_there_is_no_control_plane(make, policy, tmp_path):
    policy.write_text(BROKEN)
    with pytest.raises(PolicyError, match=r"last-good\.yaml"):
        make()
    (tmp_path / "last-good.yaml").write_text(BROKEN)
    with pytest.raises(PolicyError, match="clowd"):
        make()


def test_each_token_has_its_role(make):
    tokens = make().tokens
    assert (tokens.role_of(ADMIN), tokens.role_of(VIEWER), tokens.role_of("another")) == ("admin", "viewer", None)


def test_it_answers_to_where_it_listens_and_to_the_names_that_were_allowed(make):
    control = make(host="10.0.0.5", allowed_hosts=("Gate.Example",))
    assert {"10.0.0.5", "gate.example", "localhost"} <= control.hosts
    assert control.proxied_as == {"gate.example"} and not control.any_address


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_on_every_address_of_the_machine_any_of_them_will_do(host, make):
    control = make(host=host)
    assert control.any_address and host not in control.hosts


def test_guesses_on_the_page_and_by_clients_are_counted_apart(make):
    control = make()
    for _ in range(100):
        control.bearers.failed("10.0.0.9")
    assert control.bearers.wait("10.0.0.9") > 0 and control.sign_ins.wait("10.0.0.9") == 0


def test_what_it_keeps_is_in_the_data_directory(make, tmp_path):
    make(data_dir=str(tmp_path / "elsewhere"))
    assert list((tmp_path / "elsewhere" / "policy-history").glob("*.yaml"))
    assert not (tmp_path / "data").exists()


def test_the_document_of_its_api_is_of_this_release(make):
    control = make()
    assert control.version and json.loads(control.openapi)["info"]["version"] == control.version


def test_what_it_reads_from_is_given_to_it(settings, clock):
    mine = Sources()
    assert make_control(settings, lambda plan: "", clock, mine).sources is mine
