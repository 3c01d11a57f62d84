"""A vLLM of the environment that is down when the gateway starts: the cloud is served, and it once it is there."""

from __future__ import annotations

from support.serving import Pretended, eventually

RESTRICTED = {"x-breakeven-sensitivity": "restricted"}


def test_the_cloud_does_not_wait_for_it(serve):
    once = Pretended.start("vllm")
    url = once.url.removesuffix("/v1")
    once.stop()
    serving = serve(environment={"VLLM_BASE_URL": url, "OPENAI_API_KEY": "sk-none"})
    assert serving.ready()["backends"] == {"gpu": "unhealthy", "openai": "healthy"}
    assert serving.log("vLLM does not answer")
    refused = serving.ask(RESTRICTED)  # the cloud may not have it
    assert refused.status >= 400 and refused.backend == "none"
    vllm = Pretended.start("vllm", "--port", url.rpartition(":")[2])
    try:
        eventually(lambda: serving.log("vLLM answers"))
        eventually(lambda: serving.ask(RESTRICTED).backend == "gpu")
        assert serving.ready()["backends"] == {"gpu": "healthy", "openai": "healthy"}
    finally:
        assert serving.stop() == 0
        vllm.stop()
