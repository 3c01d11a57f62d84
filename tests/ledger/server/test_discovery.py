import pytest
from support.engines import LEDGER_SLOT

from router.ledger.errors import LedgerUnavailable
from router.ledger.redis_keys import VOLUME_KEY
from router.ledger.server.address import parse_address
from router.ledger.server.discovery import Address, slot_of

SENTINELS = parse_address("redis+sentinel://u:p@a,b/mymaster/3?sentinel_password=q")
CLUSTER = parse_address("rediss+cluster://:p@a:7000,b:7000?ssl_ca_certs=/ca.pem")


def slots(*nodes: list) -> list:
    """An answer to CLUSTER SLOTS: the first node has the ledger's slot."""
    return [[0, LEDGER_SLOT - 1, [b"z", 1, b"id", []]], [LEDGER_SLOT, 16383, *nodes]]


def test_all_keys_share_a_slot():
    assert slot_of(VOLUME_KEY) == slot_of("be:{ledger}:day:2026-05-20") == LEDGER_SLOT == 2466  # CLUSTER KEYSLOT ledger


def test_sentinels_are_asked_for_the_master_of_the_name():
    assert SENTINELS.question() == ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster")
    master = SENTINELS.find(SENTINELS.seeds[0], [b"10.0.0.7", b"7000"])
    assert master == Address("10.0.0.7:7000", None, "10.0.0.7", 7000, False, None, "u", "p", 3)


@pytest.mark.parametrize(("host", "name"), [(b"db-1.internal", "db-1.internal:7000"), (b"fd00::7", "fd00::7:7000")])
def test_a_master_may_be_a_hostname_or_ipv6(host, name):
    assert SENTINELS.find(SENTINELS.seeds[0], [host, b"7000"]).name == name


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (None, "a:26379: this sentinel knows no master named mymaster"),
        ([b"10.0.0.7"], "a:26379: the answer is not a sentinel's"),
        ([b"10.0.0.7", b"here"], "a:26379: the answer is not a sentinel's"),
        (b"OK", "a:26379: the answer is not a sentinel's"),
    ],
)
def test_a_sentinel_that_does_not_help(answer, message):
    with pytest.raises(LedgerUnavailable, match=message):
        SENTINELS.find(SENTINELS.seeds[0], answer)


def test_only_a_master_is_used():
    assert SENTINELS.doubt([b"master", 17, []]) == ""
    assert SENTINELS.doubt([b"slave", b"10.0.0.8", 7000, b"connected", 17]) == "it is not the master but a slave"
    assert SENTINELS.doubt(b"OK") == "the answer to ROLE is not Redis's"


@pytest.mark.parametrize(
    ("node", "host"),
    [
        ([b"10.0.0.7", 7001, b"id"], "10.0.0.7"),  # servers before Redis 7
        ([b"10.0.0.7", 7001, b"id", []], "10.0.0.7"),
        ([b"fd00::7", 7001, b"id", []], "fd00::7"),
        ([b"db-1.internal", 7001, b"id", [b"ip", b"10.0.0.7"]], "db-1.internal"),
        ([b"?", 7001, b"id", [b"port", b"1", b"ip", b"10.0.0.7"]], "10.0.0.7"),
        ([b"?", 7001, b"id", []], "a"),
        ([None, 7001, b"id", []], "a"),
        ([b"", 7001, b"id", []], "a"),
    ],
)
def test_a_cluster_names_the_node_that_has_the_slot(node, host):
    assert CLUSTER.question() == ("CLUSTER", "SLOTS")
    found = CLUSTER.find(CLUSTER.seeds[0], slots(node, [b"replica", 7002, b"id", []]))
    assert found == Address(f"{host}:7001", None, host, 7001, True, "/ca.pem", None, "p")


@pytest.mark.parametrize("answer", [[], slots(), None, b"OK", [[0, LEDGER_SLOT - 1, [b"z", 1, b"id", []]]]])
def test_a_cluster_without_the_slot(answer):
    with pytest.raises(LedgerUnavailable, match="a:7000: no node serves the ledger's slot 2466"):
        CLUSTER.find(CLUSTER.seeds[0], answer)
