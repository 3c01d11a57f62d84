from typing import Any

from router.core.policy import Policy
from router.litellm_adapter.backends import from_policy


def policy(**backend: Any) -> Policy:
    given = {"zone": "cloud", "kind": "litellm", "serves": {"m": "anthropic/claude"}, **backend}
    own = {"zone": "cloud", "kind": "vllm", "url": "http://h/v1", "serves": {"m": "m"}}
    return Policy.model_validate(
        {"version": 1, "zones": {"cloud": {}}, "backends": {"a": given, "b": own}, "models": {"m": {"backends": ["a"]}}}
    )


def test_backends_of_kind_litellm_with_their_secrets_revealed() -> None:
    backends = from_policy(
        policy(api_key="env:K", api_base="http://h", serves={"m": "anthropic/x", "n": {"model": "anthropic/y"}}),
        {"env:K": "secret"}.__getitem__,
    )
    [(name, backend)] = backends.items()
    assert (name, backend.name, backend.api_key, backend.api_base) == ("a/0", "a", "secret", "http://h")
    assert backend.models == {"anthropic/x": "anthropic/x", "anthropic/y": "anthropic/y"}


def test_silence_may_last_as_long_as_the_longer_time_out() -> None:
    times = {"first_byte_timeout": "5s", "answer_timeout": "9s", "idle_timeout": "7s", "connect_timeout": "1s"}
    (backend,) = from_policy(policy(**times), str).values()
    assert (backend.connect_timeout, backend.read_timeout) == (1.0, 9.0)


def test_a_backend_does_not_show_its_key() -> None:
    (backend,) = from_policy(policy(api_key="env:K"), lambda _: "secret").values()
    assert "secret" not in f"{backend!r}{backend}"


def test_a_key_of_the_environment_is_not_sent_to_another_address() -> None:
    """litellm would look for one; only where the provider itself is asked may it."""
    assert from_policy(policy(api_base="http://127.0.0.1:1/v1"), str)["a/0"].api_key == "none"
    assert from_policy(policy(), str)["a/0"].api_key is None
    vertex = policy(api_base="http://127.0.0.1:1/v1", serves={"m": "vertex_ai/x"})
    assert from_policy(vertex, str)["a/0"].api_key is None


def test_requests_go_to_the_providers_hosts_or_to_those_that_are_named() -> None:
    assert from_policy(policy(), str)["a/0"].reach == ("api.anthropic.com:443",)
    own = from_policy(policy(api_base="http://127.0.0.1:8000/v1", hosts=("b.example.com",)), str)["a/0"]
    assert own.reach == own.destination.hosts == ("127.0.0.1:8000", "b.example.com")
    assert "169.254.169.254:80" in from_policy(policy(serves={"m": "bedrock/x"}), str)["a/0"].reach
    assert "169.254.169.254:80" not in from_policy(policy(serves={"m": "bedrock/x"}, api_key="env:K"), str)["a/0"].reach


def test_a_zones_proxy_is_all_that_its_backends_connect_to() -> None:
    made = policy()
    zones = {"cloud": made.zones["cloud"].model_copy(update={"proxy": "http://proxy:3128"})}
    (backend,) = from_policy(made.model_copy(update={"zones": zones}), str).values()
    assert backend.reach == ("proxy:3128",)
    assert backend.destination.hosts == ("api.anthropic.com:443",)


def test_backends_of_other_dialects_are_there_for_what_they_do_not_speak() -> None:
    """One for each of its addresses, whose own host alone gets its key."""
    urls = ("http://10.0.0.1:8000/v1", "http://10.0.0.2:8000/v1")
    made = policy(kind="openai", urls=urls, serves={"m": "gpt"}, api_key="env:K")
    first, second = (from_policy(made, lambda _: "secret")[f"a/{place}"] for place in (0, 1))
    assert (first.models, first.api_key, first.chat_only) == ({"gpt": "openai/gpt"}, "secret", True)
    assert [each.api_base for each in (first, second)] == list(urls)
    assert [each.reach for each in (first, second)] == [("10.0.0.1:8000",), ("10.0.0.2:8000",)]
    assert first.fingerprint == made.backends["a"].fingerprint()
