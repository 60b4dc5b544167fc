"""Who the operator under test is: its service account, with the rights of the manifests."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from lab.control_plane import Cluster
from tests.cluster.audited import HOME, Asked, AuditedPlane, Right
from tests.cluster.kube import Kube, Manifest

MANIFESTS = Path(__file__).resolve().parents[2] / "manifests"
RBAC = (MANIFESTS / "base" / "rbac.yaml", MANIFESTS / "components" / "admission" / "rbac.yaml")
_RBAC_API = "/apis/rbac.authorization.k8s.io/v1"
ACCOUNTS = f"/api/v1/namespaces/{HOME}/serviceaccounts"
_COLLECTIONS = {
    "ServiceAccount": f"/api/v1/namespaces/{HOME}/serviceaccounts",
    "Role": f"{_RBAC_API}/namespaces/{{namespace}}/roles",
    "RoleBinding": f"{_RBAC_API}/namespaces/{{namespace}}/rolebindings",
    "ClusterRole": f"{_RBAC_API}/clusterroles",
    "ClusterRoleBinding": f"{_RBAC_API}/clusterrolebindings",
}
# The longest of the sessions, those under a debugger aside.
_TOKEN_SECONDS = 4 * 3600


def rbac(*, admission: bool = False) -> list[Manifest]:
    """The accounts, roles and bindings of the manifests; with or without the component's."""
    files = RBAC if admission else RBAC[:1]
    return [item for file in files for item in yaml.safe_load_all(file.read_text("utf-8"))]


@contextlib.contextmanager
def operator_account(
    cluster: Cluster, *, admission: bool = False, may_be_refused: bool = False
) -> Iterator[Path]:
    """Installs the operator's account, and the roles of manifests/base.

    Where the cluster keeps an audit log, the operator must have asked, by the end of the block, for
    nothing but what these roles give it.

    Args:
        cluster: where.
        admission: with the role of the admission component too.
        may_be_refused: the test itself has the operator ask for more.

    Yields:
        A kubeconfig of that account.
    """
    kube = Kube(cluster.kubeconfig, cluster.context)
    try:
        install(kube, rbac(admission=admission))
        with tempfile.TemporaryDirectory(prefix="homelab-netpol-account-") as folder:
            yield write_kubeconfig(kube, cluster, HOME, Path(folder, "kubeconfig"))
    finally:
        kube.close()
    if isinstance(cluster, AuditedPlane) and not may_be_refused:
        _check(cluster.asked(user(HOME)), rights_of(rbac(admission=admission)))


def _check(requests: list[Asked], given: set[Right]) -> None:
    refused = {str(asked.right) for asked in requests if not asked.permitted}
    assert not refused, "the operator asked for what the manifests do not give it"
    # What everybody may do is not refused, and still not to be relied upon.
    more = {str(asked.right) for asked in requests if asked.right not in given}
    assert not more, "the operator asked for what the manifests do not list"


def user(account: str) -> str:
    """As whom requests of a service account of the operator's namespace are made."""
    return f"system:serviceaccount:{HOME}:{account}"


def install(kube: Kube, documents: list[Manifest]) -> None:
    """Creates accounts, roles and bindings; those that are there come to say the same."""
    if kube.get(f"/api/v1/namespaces/{HOME}") is None:
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}}
        kube.create("/api/v1/namespaces", body)
    for document in documents:
        path = place(document)
        if kube.get(path) is None:
            kube.create(_collection(document), document)
        elif document["kind"] != "ServiceAccount":
            kube.replace(path, document)


def rights_of(documents: list[Manifest]) -> set[Right]:
    """What roles give, one by one."""
    return {
        Right(group, resource, verb)
        for document in documents
        for rule in document.get("rules", ())
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def place(document: Manifest) -> str:
    """Where an account, role or binding is."""
    return f"{_collection(document)}/{document['metadata']['name']}"


def _collection(document: Manifest) -> str:
    namespace = document["metadata"].get("namespace", HOME)
    return _COLLECTIONS[document["kind"]].format(namespace=namespace)


def write_kubeconfig(kube: Kube, cluster: Cluster, account: str, path: Path) -> Path:
    """Writes a kubeconfig with a fresh token of a service account.

    Args:
        kube: the cluster, as its administrator.
        cluster: the same, for its address.
        account: of the operator's namespace.
        path: of the file.
    """
    request = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": _TOKEN_SECONDS},
    }
    issued = kube.create(f"{ACCOUNTS}/{account}/token", request)
    config: dict[str, Any] = yaml.safe_load(cluster.kubeconfig.read_text("utf-8"))
    (context,) = (item for item in config["contexts"] if item["name"] == cluster.context)
    context["context"]["user"] = account
    config["current-context"] = cluster.context
    config["contexts"] = [context]
    config["users"] = [{"name": account, "user": {"token": issued["status"]["token"]}}]
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path
