"""An app, its neighbour and a database on the node, each a Namespace with a pod."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lab.datapath import addresses
from lab.datapath.datapath import Datapath
from lab.datapath.host import outside_host
from lab.datapath.packets import Probe
from lab.datapath.pods import Pod
from lab.demo.client import Client
from lab.demo.informer import Collection

APP = "blog"
_NEIGHBOUR, _DATABASE = "wiki", "database"
_PROFILES = {APP: "standard", _NEIGHBOUR: "internal"}
_POSTGRES, _SSH = 5432, 22
# Platform Namespaces are kept by hand; closed like this, a grant has to open both ends.
_ONLY_ITSELF = {
    "apiVersion": "cilium.io/v2",
    "kind": "CiliumNetworkPolicy",
    "metadata": {"name": "only-itself", "namespace": _DATABASE},
    "spec": {"endpointSelector": {}, "ingress": [{"fromEndpoints": [{}]}]},
}


@dataclass(frozen=True)
class Home:
    """The connections that are tried, and the labels of the app's Namespace.

    Attributes:
        client: of the API server.
        to_database: of the app to its database.
        of_neighbour: the same, of an app in another Namespace.
        to_internet: of the app to the internet, on a port that no profile opens.
    """

    client: Client
    to_database: Probe
    of_neighbour: Probe
    to_internet: Probe

    def label_app(self, labels: Mapping[str, str | None]) -> None:
        """Sets labels of the app's Namespace, and takes away those that are None."""
        _label(self.client, APP, labels)


def build(client: Client, datapath: Datapath, domain: str) -> Home:
    """Makes the Namespaces with their pods, and gives the apps their profiles.

    Args:
        client: of the API server.
        datapath: the node.
        domain: the label domain.
    """
    app, neighbour, database = (
        _pod(client, datapath, namespace, name)
        for namespace, name in ((APP, "web"), (_NEIGHBOUR, "web"), (_DATABASE, "postgres"))
    )
    policies = f"/apis/cilium.io/v2/namespaces/{_DATABASE}/ciliumnetworkpolicies"
    client.create(policies, _ONLY_ITSELF)
    for namespace, profile in _PROFILES.items():
        _label(client, namespace, {f"{domain}/profile": profile})
    internet = outside_host(datapath.node, "the internet", addresses.INTERNET)
    return Home(
        client,
        to_database=Probe(app, database, "TCP", _POSTGRES),
        of_neighbour=Probe(neighbour, database, "TCP", _POSTGRES),
        to_internet=Probe(app, internet, "TCP", _SSH),
    )


def _label(client: Client, namespace: str, labels: Mapping[str, str | None]) -> None:
    client.merge(f"{Collection.NAMESPACE}/{namespace}", {"metadata": {"labels": dict(labels)}})


def _pod(client: Client, datapath: Datapath, namespace: str, name: str) -> Pod:
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    client.create(Collection.NAMESPACE, body)
    return datapath.pods.create(namespace, name, {"app": name})
