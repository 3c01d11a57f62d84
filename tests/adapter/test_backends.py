from typing import Any

from router.adapter.backends import from_policy
from router.core.policy import Policy


def policy(**backend: Any) -> Policy:
    given = {"zone": "cloud", "kind": "litellm", "serves": {"m": "anthropic/claude"}, **backend}
    own = {"zone": "cloud", "kind": "vllm", "url": "http://h/v1", "serves": {"m": "m"}}
    return Policy.model_validate(
        {"version": 1, "zones": {"cloud": {}}, "backends": {"a": given, "b": own}, "models": {"m": {"backends": ["a"]}}}
    )


def test_only_backends_of_kind_litellm_with_their_secrets_revealed() -> None:
    backends = from_policy(
        policy(api_key="env:K", api_base="http://h", serves={"m": "anthropic/x", "n": {"model": "anthropic/y"}}),
        {"env:K": "secret"}.__getitem__,
    )
    [(name, backend)] = backends.items()
    assert (name, backend.name, backend.api_key, backend.api_base) == ("a", "a", "secret", "http://h")
    assert backend.models == {"anthropic/x", "anthropic/y"}


def test_silence_may_last_as_long_as_the_longer_time_out() -> None:
    times = {"first_byte_timeout": "5s", "answer_timeout": "9s", "idle_timeout": "7s", "connect_timeout": "1s"}
    (backend,) = from_policy(policy(**times), str).values()
    assert (backend.connect_timeout, backend.read_timeout) == (1.0, 9.0)


def test_a_backend_does_not_show_its_key() -> None:
    (backend,) = from_policy(policy(api_key="env:K"), lambda _: "secret").values()
    assert "secret" not in f"{backend!r}{backend}"
