"""`render` shows what the operator writes: on a control plane with Istio's CRDs, both are compared.

And what it says to a cluster that it may read in part only, or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from homelab_netpol.cli.main import main
from homelab_netpol.package_data import own_crds
from lab.control_plane import Lab
from tests.cluster.audited import HOME, AuditedPlane
from tests.cluster.conftest import QUICK
from tests.cluster.kube import Kube, Manifest, eventually
from tests.cluster.own_crds import PROFILES, RESOURCES
from tests.cluster.service_account import install, operator_account, write_kubeconfig
from tests.cluster.watched import resync
from tests.running_operator import running_operator

TREE = Path(__file__).with_name("rendered_tree.yaml")
SETTINGS: Mapping[str, Any] = {
    **QUICK,
    "mesh": {"authorizationPolicies": True, "mtls": "strict"},
    "internet": {"exceptCidrs": ["192.168.0.0/16"]},
    "scrapers": [{"namespace": "monitoring", "podLabels": {"app": "vmagent"}, "ports": [9100]}],
    "companions": {
        "backup": {
            "pods": {"matchLabels": {"backup": "yes"}},
            "to": [{"namespace": "garage", "podLabels": {"app": "garage"}}],
            "ports": [{"port": 3900}],
        }
    },
}
_KINDS = {
    "CiliumNetworkPolicy": "/apis/cilium.io/v2/{}ciliumnetworkpolicies",
    "CiliumClusterwideNetworkPolicy": "/apis/cilium.io/v2/{}ciliumclusterwidenetworkpolicies",
    "AuthorizationPolicy": "/apis/security.istio.io/v1/{}authorizationpolicies",
    "PeerAuthentication": "/apis/security.istio.io/v1/{}peerauthentications",
}
_SINCE = "network-policy.homelab/since"
NAMESPACES = "/api/v1/namespaces"
Key = tuple[str, str, str]


@pytest.fixture(scope="module")
def plane(lab: Lab) -> Iterator[AuditedPlane]:
    """A control plane that has Istio's CRDs."""
    with AuditedPlane(lab=lab, istio=True, crds=own_crds()) as plane:
        yield plane


@pytest.fixture(scope="module")
def kube(plane: AuditedPlane) -> Iterator[Kube]:
    """That control plane, seen without the operator."""
    kube = Kube(plane.kubeconfig, plane.context)
    yield kube
    kube.close()


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The settings file."""
    path = tmp_path_factory.mktemp("settings") / "settings.yaml"
    path.write_text(yaml.safe_dump(dict(SETTINGS)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def standing(plane: AuditedPlane, kube: Kube, config: Path) -> dict[Key, Manifest]:
    """What the operator wrote for the tree, once it wrote nothing any more."""
    for document in yaml.safe_load_all(TREE.read_text("utf-8")):
        _create(kube, document)
    with (
        operator_account(plane) as account,
        running_operator(account, SETTINGS) as operator,
    ):
        wanted = {
            _key(each) for each in documents(rendered("-f", str(TREE), "--config", str(config)))
        }
        eventually(lambda: set(managed(kube)) >= wanted, "the rendered policies to stand")
        resync(operator, times=2)
    return managed(kube)


def _create(kube: Kube, document: Manifest) -> None:
    collection = {"NetworkProfile": PROFILES, "SharedResource": RESOURCES}.get(
        document["kind"], NAMESPACES
    )
    if kube.get(f"{collection}/{document['metadata']['name']}") is None:
        kube.create(collection, document)


def _with_uids(kube: Kube) -> Iterator[Manifest]:
    uids = {each["metadata"]["name"]: each["metadata"]["uid"] for each in kube.items(NAMESPACES)}
    for document in yaml.safe_load_all(TREE.read_text("utf-8")):
        uid = {"uid": uids[name]} if (name := document["metadata"]["name"]) in uids else {}
        yield {**document, "metadata": {**document["metadata"], **uid}}


def managed(kube: Kube) -> dict[Key, Manifest]:
    """The policies with the operator's label."""
    label = "labelSelector=app.kubernetes.io/managed-by%3Dhomelab-netpol"
    return {
        _key({"kind": kind, **item}): item
        for kind, path in _KINDS.items()
        for item in kube.items(f"{path.format('')}?{label}")
    }


def _key(manifest: Manifest) -> Key:
    metadata = manifest["metadata"]
    return manifest["kind"], metadata.get("namespace", ""), metadata["name"]


def rendered(*arguments: str) -> Result:
    """What `render` does."""
    result = CliRunner().invoke(main, ["render", *arguments])
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result


def documents(result: Result) -> list[Manifest]:
    """What it printed."""
    return list(yaml.safe_load_all(result.stdout))


def with_defaults(kube: Kube, manifest: Manifest, live: Manifest) -> Manifest:
    """An object as the API server would keep it in the place of the one that stands."""
    kind, namespace, name = _key(manifest)
    place = _KINDS[kind].format(f"namespaces/{namespace}/" if namespace else "")
    version = {"resourceVersion": live["metadata"]["resourceVersion"]}
    body = {**manifest, "metadata": {**manifest["metadata"], **version}}
    return kube.replace(f"{place}/{name}?dryRun=All", body)


def said(manifest: Manifest) -> dict[str, Any]:
    """An object without what the server adds."""
    metadata = {key: manifest["metadata"].get(key) for key in ("labels", "annotations")}
    return {**metadata, "spec": manifest.get("spec"), "specs": manifest.get("specs")}


@pytest.mark.parametrize("source", ["files", "cluster"])
def test_render_shows_what_the_operator_writes_nothing_more_and_nothing_less(
    plane: AuditedPlane, kube: Kube, config: Path, standing: dict[Key, Manifest], source: str
) -> None:
    hatch = standing["CiliumNetworkPolicy", "night", "homelab-escape-hatch"]
    # In a cluster the hatch's own policy says since when it is open; what the API server alone
    # knows, the uids of Namespaces, is put into the files.
    tree = config.with_name("tree.yaml")
    tree.write_text(yaml.safe_dump_all(_with_uids(kube)), encoding="utf-8")
    arguments = {
        "files": ("-f", str(tree), "--at", hatch["metadata"]["annotations"][_SINCE]),
        "cluster": ("--kubeconfig", str(plane.kubeconfig), "--context", plane.context),
    }[source]
    result = rendered(*arguments, "--config", str(config))
    assert result.exit_code == 0, result.stderr
    found = {_key(each): each for each in documents(result)}
    assert found.keys() == standing.keys()
    kinds = {kind for kind, _, _ in found}
    assert kinds == set(_KINDS)
    for key, manifest in found.items():
        live = standing[key]
        assert said(with_defaults(kube, manifest, live)) == said(live), key


def test_every_exported_network_policy_is_one_that_the_api_server_takes(
    kube: Kube, standing: dict[Key, Manifest], config: Path
) -> None:
    assert standing
    networks = ("--cluster-cidr", "10.42.0.0/16", "--api-server", "192.168.1.2")
    arguments = ("--as", "networkpolicy", "--config", str(config), *networks)
    found = documents(rendered("-f", str(TREE), *arguments))
    policies = [each for each in found if each["kind"] == "NetworkPolicy"]
    assert len(policies) > 20
    for each in policies:
        place = f"/apis/networking.k8s.io/v1/namespaces/{each['metadata']['namespace']}"
        made = kube.create(f"{place}/networkpolicies?dryRun=All", each)
        # Empty lists come back as absent ones, which mean the same.
        given, kept = ({k: v for k, v in of["spec"].items() if v} for of in (each, made))
        assert kept == given


def account_that_may_list(
    plane: AuditedPlane, kube: Kube, name: str, resources: list[str], folder: Path
) -> Path:
    """A kubeconfig of an account that may list these, and nothing else."""
    rbac = "rbac.authorization.k8s.io"
    rule = {"apiGroups": ["*"], "resources": resources or ["nothing"], "verbs": ["list"]}
    subject = {"kind": "ServiceAccount", "name": name, "namespace": HOME}
    role = {"apiGroup": rbac, "kind": "ClusterRole", "name": name}
    version = f"{rbac}/v1"
    install(
        kube,
        [
            {
                "apiVersion": "v1",
                "kind": "ServiceAccount",
                "metadata": {"name": name, "namespace": HOME},
            },
            {
                "apiVersion": version,
                "kind": "ClusterRole",
                "metadata": {"name": name},
                "rules": [rule],
            },
            {
                "apiVersion": version,
                "kind": "ClusterRoleBinding",
                "metadata": {"name": name},
                "roleRef": role,
                "subjects": [subject],
            },
        ],
    )
    return write_kubeconfig(kube, plane, name, folder / name)


def test_a_cluster_that_answers_403_for_a_part_is_said_to_be_read_in_part(
    plane: AuditedPlane, kube: Kube, standing: dict[Key, Manifest], tmp_path: Path
) -> None:
    assert standing
    half = account_that_may_list(plane, kube, "half", ["namespaces", "networkprofiles"], tmp_path)
    result = rendered("--kubeconfig", str(half))
    assert result.exit_code == 3
    assert "Note: sharedresources may not be listed: " in result.stderr
    assert result.stdout.startswith("# Incomplete: sharedresources may not be listed")
    as_json = rendered("--kubeconfig", str(half), "-o", "json")
    incomplete = yaml.safe_load(as_json.stdout)["incomplete"]
    assert [each.split()[0] for each in incomplete] == [
        "sharedresources",
        "ciliumnetworkpolicies",
        "ciliumclusterwidenetworkpolicies",
        "the",
    ]
    folder = tmp_path / "written"
    assert rendered("--kubeconfig", str(half), "--output-dir", str(folder)).exit_code == 3
    assert not folder.exists()


def test_a_cluster_that_shows_no_namespaces_is_said_to_be_unreadable(
    plane: AuditedPlane, kube: Kube, standing: dict[Key, Manifest], tmp_path: Path
) -> None:
    assert standing
    none = account_that_may_list(plane, kube, "none", [], tmp_path)
    result = rendered("--kubeconfig", str(none))
    assert (result.exit_code, result.stdout) == (3, "")
    assert "namespaces may not be listed: " in result.stderr
    assert "Give the operator the role" not in result.stderr
