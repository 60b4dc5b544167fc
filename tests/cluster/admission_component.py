"""manifests/components/admission on a control plane, and people whom RBAC lets edit Namespaces."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from lab.control_plane import ControlPlane, Lab
from tests.cluster.audited import AuditedPlane
from tests.cluster.kube import Kube, Manifest, eventually, namespace_path
from tests.cluster.kube_as import as_user
from tests.cluster.own_crds import own_crds
from tests.cluster.spaces import DOMAIN, ENFORCEMENT, PROFILE, Space, access

COMPONENT = Path(__file__).resolve().parents[2] / "manifests" / "components" / "admission"
HOME = "homelab-netpol"
CONFIG_MAPS = f"/api/v1/namespaces/{HOME}/configmaps"
VOCABULARY = "homelab-netpol-vocabulary"
HATCH_GROUP = "homelab-netpol:hatch"
# Whom RBAC lets edit Namespaces, and whom it lets do nothing.
EDITOR, GUEST = "netpol-test-editor", "netpol-test-guest"

WORDS = {
    "profiles": "internal,internal-egress,isolated,media,standard",
    "resources": "cnpg,dragonfly,garage-s3,gateway,kube-api,postgres,tenant",
    "accessValues": "cnpg=*,cnpg=true,gateway=external,gateway=internal,gateway=true,tenant=*",
    "platformNamespaces": "database,kube-system",
    "platformPattern": "^[-a-z0-9]*\\-system$|^infra\\-[-a-z0-9]*$",
}
_ADMISSION = "/apis/admissionregistration.k8s.io/v1"
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_COLLECTIONS = {
    "ValidatingAdmissionPolicy": f"{_ADMISSION}/validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": f"{_ADMISSION}/validatingadmissionpolicybindings",
    "Role": f"{_RBAC}/namespaces/{HOME}/roles",
    "RoleBinding": f"{_RBAC}/namespaces/{HOME}/rolebindings",
    "ClusterRole": f"{_RBAC}/clusterroles",
    "ClusterRoleBinding": f"{_RBAC}/clusterrolebindings",
}
_EDITORS: tuple[Manifest, ...] = (
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": EDITOR},
        "rules": [
            {
                "apiGroups": [""],
                "resources": ["namespaces", "namespaces/status", "namespaces/finalize"],
                "verbs": ["get", "create", "update", "patch", "delete"],
            },
            {
                "apiGroups": ["network-policy.homelab"],
                "resources": ["networkprofiles", "sharedresources"],
                "verbs": ["get", "patch", "delete", "deletecollection", "list"],
            },
        ],
    },
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": EDITOR},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": EDITOR,
        },
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": EDITOR}],
    },
)


def listed() -> list[str]:
    """The files of objects that the component's kustomization lists."""
    return list(_kustomization()["resources"])


def settings_files() -> list[str]:
    """The files that it adds to the operator's settings."""
    return [name for made in _kustomization()["configMapGenerator"] for name in made["files"]]


def _kustomization() -> Manifest:
    found: Manifest = yaml.safe_load((COMPONENT / "kustomization.yaml").read_text())
    return found


def documents() -> list[Manifest]:
    """All objects of the component."""
    return [
        document
        for name in listed()
        for document in yaml.safe_load_all((COMPONENT / name).read_text())
    ]


def place(document: Mapping[str, Any]) -> str:
    """Where an object is."""
    return f"{_COLLECTIONS[document['kind']]}/{document['metadata']['name']}"


def namespace(
    name: str,
    labels: Mapping[str, str | None] | None = None,
    annotations: Mapping[str, str | None] | None = None,
) -> Manifest:
    """A Namespace; serves as a merge patch as well."""
    metadata = {"name": name, "labels": labels or {}, "annotations": annotations or {}}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def write_vocabulary(kube: Kube, words: Mapping[str, str]) -> None:
    """Writes the ConfigMap as the operator would."""
    kube.delete(f"{CONFIG_MAPS}/{VOCABULARY}")
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": VOCABULARY}}
    kube.create(CONFIG_MAPS, {**body, "data": dict(words)})


def try_new(
    kube: Kube, labels: Mapping[str, str], name: str = "admission-probe"
) -> tuple[int, str]:
    """Tries to create a Namespace, which is not kept; returns the status and the message."""
    body = namespace(name, labels)
    return answer(kube, "POST", "/api/v1/namespaces?dryRun=All", body)


def change(
    kube: Kube, space: Space, labels: dict[str, str | None], **annotations: str | None
) -> tuple[int, str]:
    """Tries to change labels and annotations of a Namespace, which is not kept.

    Args:
        kube: as whom.
        space: the Namespace.
        labels: to set; None takes one away.
        **annotations: by the part of the key after the domain, with `_` for `-`.

    Returns:
        The status, and what it says if it is a refusal.
    """
    keys = {f"{DOMAIN}/{key.replace('_', '-')}": text for key, text in annotations.items()}
    body = namespace(space.name, labels, keys)
    return answer(kube, "PATCH", f"{namespace_path(space.name)}?dryRun=All", body)


def answer(kube: Kube, method: str, path: str, body: Any = None) -> tuple[int, str]:
    """Sends a request; returns the status, and what it says if it is a refusal."""
    kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
    status, text = kube.call(method, path, body, content_type=kind)
    return status, "" if status < 300 else str(json.loads(text)["message"])


@contextmanager
def guarded_plane(lab: Lab, *existing: Manifest) -> Iterator[ControlPlane]:
    """A control plane with the component, the editors' role, and the operator's words.

    It is one of its own, as the policies would judge the Namespaces of all other tests, and because
    an API server of 1.36 reads no parameters any more once the last binding that has some is gone:
    on a shared one, the policies could be installed only once.

    Args:
        lab: the lab binary.
        *existing: Namespaces that are there before the policies.
    """
    with AuditedPlane(lab=lab) as plane:
        kube = Kube(plane.kubeconfig, plane.context)
        editor = as_user(plane.kubeconfig, plane.context, EDITOR)
        for body in (*existing, namespace(HOME)):
            kube.create("/api/v1/namespaces", body)
        with own_crds(kube):
            write_vocabulary(kube, WORDS)
            for document in (*_EDITORS, *documents()):
                kube.create(_COLLECTIONS[document["kind"]], document)
            eventually(lambda: _heeded(editor), "the policies to be heeded")
            yield plane
        editor.close()
        kube.close()


def _heeded(editor: Kube) -> bool:
    # An API server takes a moment to begin to heed a policy. All three are 403 while RBAC does not
    # know the editor yet.
    probes = ({PROFILE: "no-such"}, {access("postgres"): "no-such"}, {ENFORCEMENT: "disabled"})
    return [try_new(editor, labels)[0] for labels in probes] == [422, 422, 403]
