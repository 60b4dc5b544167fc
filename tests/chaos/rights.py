"""Who the operator is: service accounts with the rights of manifests/base, and no more.

Each replica has an account of its own, so that the audit log tells them apart.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from lab.control_plane import ControlPlane
from tests.cluster.kube import Kube, Manifest

NAMESPACE = "homelab-netpol"
_RBAC = Path(__file__).resolve().parents[2] / "manifests" / "base" / "rbac.yaml"
_COLLECTIONS = {
    "ServiceAccount": f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts",
    "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/roles",
    "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings",
}
_BINDINGS = ("ClusterRoleBinding", "RoleBinding")
# The one of the manifests, and one for each replica.
ACCOUNTS = ("homelab-netpol", "replica-a", "replica-b")
_TOKEN_SECONDS = 7200


def user(account: str) -> str:
    """As whom a service account's requests are made."""
    return f"system:serviceaccount:{NAMESPACE}:{account}"


USERS = frozenset(map(user, ACCOUNTS))


class Rights:
    """The accounts and what they may do, on one control plane."""

    def __init__(self, plane: ControlPlane, kube: Kube) -> None:
        self._plane = plane
        self._kube = kube
        self._documents = list(yaml.safe_load_all(_RBAC.read_text(encoding="utf-8")))

    def install(self) -> None:
        """Installs what the manifests have, for all accounts."""
        for document in self._documents:
            if document["kind"] not in ("ServiceAccount", *_BINDINGS):
                self._create(document)
        for account in ACCOUNTS:
            self.create_account(account)
        self.give()

    def give(self) -> None:
        """Binds the accounts to their roles."""
        subjects = [
            {"kind": "ServiceAccount", "name": account, "namespace": NAMESPACE}
            for account in ACCOUNTS
        ]
        for document in self._documents:
            if document["kind"] in _BINDINGS:
                self._create(document | {"subjects": subjects})

    def take(self) -> None:
        """Takes the bindings away: the accounts may do nothing any more."""
        for document in self._documents:
            if document["kind"] in _BINDINGS:
                self._kube.delete(f"{_collection(document)}/{document['metadata']['name']}")

    def create_account(self, account: str) -> None:
        """Makes a service account."""
        (document,) = (each for each in self._documents if each["kind"] == "ServiceAccount")
        self._create(document | {"metadata": {"name": account}})

    def delete_account(self, account: str) -> None:
        """Deletes a service account, and so makes its tokens worthless for good."""
        self._kube.delete(f"{_COLLECTIONS['ServiceAccount']}/{account}")

    def write_kubeconfig(self, account: str, path: Path) -> None:
        """Writes a kubeconfig with a fresh token of a service account."""
        request = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": _TOKEN_SECONDS},
        }
        issued = self._kube.create(f"{_COLLECTIONS['ServiceAccount']}/{account}/token", request)
        document: dict[str, Any] = yaml.safe_load(self._plane.kubeconfig.read_text("utf-8"))
        document["users"][0]["user"] = {"token": issued["status"]["token"]}
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(document), encoding="utf-8")
        partial.replace(path)

    def _create(self, document: Manifest) -> None:
        self._kube.create(_collection(document), document)


def _collection(document: Manifest) -> str:
    namespace = document["metadata"].get("namespace", NAMESPACE)
    return _COLLECTIONS[document["kind"]].format(namespace=namespace)
