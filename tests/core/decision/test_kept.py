from __future__ import annotations

from router.core.decision.kept import decide_kept, keeper_of
from router.core.policy import Policy
from router.core.values import BackendState, Label, Step

LEVELS = {"levels": {"public": ["local", "cloud"], "restricted": ["local"]}, "default": "public"}


def policy(**resources: object) -> Policy:
    api = {"zone": "cloud", "kind": "openai", "serves": {"chat": "m"}}
    backends = {name: {**api, "url": f"http://{name}", "resources": kept} for name, kept in resources.items()}
    vllm = {"zone": "local", "kind": "vllm", "url": "http://gpu", "serves": {"chat": "m"}}
    return Policy.model_validate(
        {
            "version": 1,
            "zones": {"local": {"owned": True}, "cloud": {}},
            "backends": {"gpu": vllm, **backends},
            "models": {"chat": {"backends": ["gpu"]}},
        }
    )


def test_new_objects_go_where_the_policy_says():
    some = policy(one=["files"], other=["batches", "evals"])
    assert [keeper_of(some, each) for each in ("files", "evals", "videos")] == ["one", "other", ""]
    assert keeper_of(policy(every="all"), "videos") == "every"


def test_it_is_decided_as_everything_else_is(make):
    plan = make.plan(sensitivity=LEVELS)
    asked = {"model": "/v1/files", "endpoint": "files", "key": make.key(models=frozenset({"chat"}))}
    decision = decide_kept(make.facts(**asked), plan, make.snapshot(), "openai")
    assert [each.route.backend for each in decision.candidates] == ["openai"] and decision.model == "/v1/files"
    restricted = make.facts(labels=(Label("restricted", (), "header"),), **asked)
    refused = decide_kept(restricted, plan, make.snapshot(), "openai")
    assert refused.refusal is not None and refused.refusal.code == "egress_denied"
    assert [each.step for each in refused.removed] == [Step.EGRESS]
    assert decide_kept(restricted, plan, make.snapshot(), "gpu").candidates
    down = make.snapshot({"openai": BackendState(healthy=False, why="its circuit is open")})
    lost = decide_kept(make.facts(**asked), plan, down, "openai")
    assert lost.refusal is not None and lost.refusal.status == 503
