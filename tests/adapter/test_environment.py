from router.adapter.environment import SETTINGS, prepare


def test_addresses_and_inherited_settings_go_and_identities_stay() -> None:
    environment = {
        "OPENAI_API_BASE": "x",
        "ANTHROPIC_BASE_URL": "x",
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "x",
        "LITELLM_DROP_PARAMS": "x",
        "ANTHROPIC_API_KEY": "k",
        "AWS_ACCESS_KEY_ID": "k",
        "IDENTITY_ENDPOINT": "y",
        "PATH": "p",
    }
    removed = prepare(environment)
    assert removed == ("ANTHROPIC_BASE_URL", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "OPENAI_API_BASE")
    kept = {"ANTHROPIC_API_KEY": "k", "AWS_ACCESS_KEY_ID": "k", "IDENTITY_ENDPOINT": "y", "PATH": "p"}
    assert environment == {**kept, **SETTINGS}
