"""Where providers are found and what their keys are called: the hosts that a backend of theirs may reach.

Names are litellm's. `*` stands for one label, as in `router.core.host_patterns`.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class Provider(Struct, frozen=True):
    hosts: tuple[str, ...]
    """Where requests go, with their key."""
    stems: tuple[str, ...] = ()
    """Where its key is called otherwise than litellm calls the provider: what stands before `_API_KEY`."""
    tokens: tuple[str, ...] = ()
    """Variables that hold its key and have another ending."""
    identity: tuple[str, ...] = ()
    """Where a machine's own identity is turned into a credential, for backends without a key."""


_AWS = ("sts.amazonaws.com:443", "sts.*.amazonaws.com:443", "169.254.169.254:80", "169.254.170.2:80")
_GOOGLE = (
    "oauth2.googleapis.com:443",
    "sts.googleapis.com:443",
    "iamcredentials.googleapis.com:443",
    "metadata.google.internal:80",
    "169.254.169.254:80",
)
_AZURE = ("login.microsoftonline.com:443", "169.254.169.254:80")
_BEDROCK = Provider(
    ("bedrock-runtime.*.amazonaws.com:443", "bedrock-runtime-fips.*.amazonaws.com:443"),
    tokens=("AWS_BEARER_TOKEN_BEDROCK",),
    identity=_AWS,
)
_VERTEX = Provider(("*-aiplatform.googleapis.com:443", "aiplatform.googleapis.com:443"), identity=_GOOGLE)
_COHERE = Provider(("api.cohere.ai:443", "api.cohere.com:443"), stems=("CO",))
_OPENAI = Provider(("api.openai.com:443",))

PROVIDERS: Mapping[str, Provider] = {
    "ai21": Provider(("api.ai21.com:443",)),
    "anthropic": Provider(("api.anthropic.com:443",)),
    "azure": Provider(
        ("*.openai.azure.com:443", "*.cognitiveservices.azure.com:443"),
        stems=("AZURE_OPENAI",),
        identity=_AZURE,
    ),
    "azure_ai": Provider(
        ("*.services.ai.azure.com:443", "*.models.ai.azure.com:443", "*.inference.ai.azure.com:443"),
        identity=_AZURE,
    ),
    "baseten": Provider(("inference.baseten.co:443", "*.api.baseten.co:443")),
    "bedrock": _BEDROCK,
    "bedrock_converse": _BEDROCK,
    "cerebras": Provider(("api.cerebras.ai:443",)),
    "cohere": _COHERE,
    "cohere_chat": _COHERE,
    "dashscope": Provider(("dashscope-intl.aliyuncs.com:443", "dashscope.aliyuncs.com:443")),
    "deepinfra": Provider(("api.deepinfra.com:443",)),
    "deepseek": Provider(("api.deepseek.com:443",)),
    "fireworks_ai": Provider(("api.fireworks.ai:443",), stems=("FIREWORKS",)),
    "friendliai": Provider(("api.friendli.ai:443",), tokens=("FRIENDLI_TOKEN",)),
    "gemini": Provider(("generativelanguage.googleapis.com:443",), stems=("GOOGLE",)),
    "groq": Provider(("api.groq.com:443",)),
    "huggingface": Provider(("router.huggingface.co:443", "api-inference.huggingface.co:443"), tokens=("HF_TOKEN",)),
    "hyperbolic": Provider(("api.hyperbolic.xyz:443",)),
    "jina_ai": Provider(("api.jina.ai:443",)),
    "minimax": Provider(("api.minimax.io:443", "api.minimaxi.com:443")),
    "mistral": Provider(("api.mistral.ai:443", "codestral.mistral.ai:443")),
    "moonshot": Provider(("api.moonshot.ai:443", "api.moonshot.cn:443")),
    "nebius": Provider(("api.studio.nebius.ai:443",)),
    "novita": Provider(("api.novita.ai:443",)),
    "nvidia_nim": Provider(("integrate.api.nvidia.com:443", "ai.api.nvidia.com:443"), stems=("NVIDIA",)),
    "openai": _OPENAI,
    "openrouter": Provider(("openrouter.ai:443",)),
    "perplexity": Provider(("api.perplexity.ai:443",), stems=("PERPLEXITYAI",)),
    "replicate": Provider(("api.replicate.com:443",)),
    "sambanova": Provider(("api.sambanova.ai:443",)),
    "text-completion-openai": _OPENAI,
    "together_ai": Provider(("api.together.xyz:443", "api.together.ai:443"), stems=("TOGETHERAI", "TOGETHER")),
    "vertex_ai": _VERTEX,
    "vertex_ai_beta": _VERTEX,
    "voyage": Provider(("api.voyageai.com:443",)),
    "xai": Provider(("api.x.ai:443",)),
    "zai": Provider(("api.z.ai:443",)),
}


def key_names(name: str) -> tuple[str, ...]:
    """Environment variables that usually hold a provider's key, such as `GROQ_API_KEY`."""
    provider = PROVIDERS[name]
    return (*(f"{stem}_API_KEY" for stem in (name.upper().replace("-", "_"), *provider.stems)), *provider.tokens)
