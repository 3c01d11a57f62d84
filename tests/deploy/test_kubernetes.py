"""The example manifests are what a cluster takes, and let the gateway do what its driver does, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from support.fake_cluster import PATH

FOLDER = Path(__file__).parents[2] / "deploy" / "kubernetes"
MANIFESTS = [
    document for path in sorted(FOLDER.glob("*.yaml")) for document in yaml.safe_load_all(path.read_text()) if document
]


def of_kind(kind: str) -> dict[str, Any]:
    (found,) = (document for document in MANIFESTS if document["kind"] == kind)
    return found


@pytest.mark.parametrize("document", MANIFESTS, ids=lambda document: document["kind"])
def test_each_is_valid(document: dict[str, Any]) -> None:
    kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)


def test_what_is_not_valid_is_noticed() -> None:
    wrong = of_kind("Service") | {"spec": {"selectors": {}}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, kubernetes_validate.latest_version(), strict=True)


def test_all_of_them_are_there_and_in_one_namespace() -> None:
    kinds = {"Deployment", "Service", "PersistentVolumeClaim", "ServiceAccount", "Role", "RoleBinding"}
    assert {document["kind"] for document in MANIFESTS} == kinds
    assert {document["metadata"]["namespace"] for document in MANIFESTS} == {"inference"}


def test_the_role_permits_what_the_driver_does_and_nothing_else() -> None:
    (rule,) = of_kind("Role")["rules"]
    deployment = of_kind("Deployment")["metadata"]["name"]
    assert rule == {
        "apiGroups": ["apps"],
        "resources": ["deployments/scale"],
        "resourceNames": [deployment],
        "verbs": ["get", "patch"],
    }
    assert PATH.endswith("/{workloads}/{name}/scale"), "and no more is asked for in the tests of the driver"


def test_names_lead_where_they_should() -> None:
    binding, deployment, service = of_kind("RoleBinding"), of_kind("Deployment"), of_kind("Service")
    assert binding["roleRef"]["name"] == of_kind("Role")["metadata"]["name"]
    assert [subject["name"] for subject in binding["subjects"]] == [of_kind("ServiceAccount")["metadata"]["name"]]
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == service["spec"]["selector"] == labels
    (port,) = deployment["spec"]["template"]["spec"]["containers"][0]["ports"]
    assert service["spec"]["ports"][0]["targetPort"] == port["name"]
    assert "replicas" not in deployment["spec"], "or every `kubectl apply` would undo what the gateway did"
