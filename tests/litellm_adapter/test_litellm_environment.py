from router.litellm_adapter.litellm_environment import SETTINGS, prepare


def test_addresses_and_inherited_settings_go_and_identities_stay() -> None:
    environment = {
        "OPENAI_API_BASE": "x",
        "ANTHROPIC_BASE_URL": "x",
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "x",
        "LITELLM_DROP_PARAMS": "x",
        "HTTPS_PROXY": "x",
        "all_proxy": "x",
        "WATSONX_URL": "x",
        "SSL_VERIFY": "x",
        "SSLKEYLOGFILE": "x",
        "ANTHROPIC_API_KEY": "k",
        "AWS_ACCESS_KEY_ID": "k",
        "IDENTITY_ENDPOINT": "y",
        "PATH": "p",
    }
    removed = prepare(environment)
    moving = ("ANTHROPIC_BASE_URL", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "OPENAI_API_BASE", "WATSONX_URL", "all_proxy")
    assert removed == tuple(sorted((*moving, "HTTPS_PROXY", "SSLKEYLOGFILE", "SSL_VERIFY")))
    kept = {"ANTHROPIC_API_KEY": "k", "AWS_ACCESS_KEY_ID": "k", "IDENTITY_ENDPOINT": "y", "PATH": "p"}
    assert environment == {**kept, **SETTINGS}
