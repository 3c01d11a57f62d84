from router.core import features
from router.core.translation import LOST_IN_TRANSLATION

KNOWN = {value for name, value in vars(features).items() if name.isupper()}


def test_what_a_provider_runs_or_keeps_itself_is_lost_whatever_is_translated() -> None:
    everywhere = frozenset.intersection(*LOST_IN_TRANSLATION.values())
    assert {features.HOSTED_TOOLS, features.TOOL_SERVERS, features.CONTAINERS, features.STORED_FILES} <= everywhere


def test_what_an_agent_sends_back_to_the_adapter_it_can_open() -> None:
    """Responses are given the reasoning of a provider that speaks no responses, encrypted by the adapter."""
    assert features.ENCRYPTED_REASONING not in LOST_IN_TRANSLATION["responses"]
    assert features.SIGNED_REASONING in LOST_IN_TRANSLATION["messages"]


def test_only_what_a_surface_can_say_is_lost() -> None:
    assert all(lost <= KNOWN for lost in LOST_IN_TRANSLATION.values())
