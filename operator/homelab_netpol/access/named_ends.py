"""The ends of connections by the words that people use for them. Pure.

`shop` (a Namespace), `shop/web` (a workload in it), `shop:app=web` (its pods with a label),
`postgres` (a shared resource), `world` (an entity of Cilium's), `192.168.1.7` or `192.168.1.0/24`,
`api.stripe.com`, `settings:gateways.internal` (whom the settings name). Where a word means two
things, `namespace:WORD`, `resource:WORD` and `entity:WORD` say which.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_network

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.cilium.evaluation import Endpoint, Entity, Name, Network, Pod
from homelab_netpol.cilium.selectors import read_selector
from homelab_netpol.cilium.terms import ENTITIES, is_label_key, is_label_value
from homelab_netpol.manifests.workloads import NamedPort, Workload
from homelab_netpol.settings import Peer, SharedResource

# Entities that are one end of a connection each; the others hold several of these.
_SINGLE = ENTITIES - {"all", "none", "cluster", "cluster-mesh", "world-ipv4", "world-ipv6"}


class UnknownEnd(Exception):
    """A word that means no end of a connection here, or several; the message says what to write."""


@dataclass(frozen=True, slots=True)
class End:
    """One end of a connection.

    Attributes:
        name: how messages name it.
        endpoint: as verdicts take it.
        ports: those that its containers declare; none: not known, or it has none.
    """

    name: str
    endpoint: Endpoint
    ports: tuple[NamedPort, ...] = ()


def named_ends(model: ClusterModel, text: str) -> tuple[End, ...]:
    """All that a word means: of a Namespace or a resource each workload.

    Args:
        model: the cluster.
        text: the word, as above.

    Raises:
        UnknownEnd: it means nothing that is there, or several things.
    """
    prefix, colon, rest = text.partition(":")
    if colon and "=" not in rest:
        explicit = _EXPLICIT.get(prefix)
        if explicit is not None:
            return explicit(model, rest)
    network = _network(text)
    if network is not None:
        return (End(text, network),)
    if colon:
        return _with_labels(model, prefix, rest)
    namespace, slash, name = text.partition("/")
    if slash:
        return _workload(model, namespace, name)
    if "." in text and _is_dns_name(text):
        return (End(text, Name(text.lower())),)
    return _word(model, text)


def _word(model: ClusterModel, text: str) -> tuple[End, ...]:
    meanings = {
        "namespace": text in model.namespaces,
        "resource": text in _resources(model),
        "entity": text in _SINGLE,
    }
    found = [kind for kind, is_meant in meanings.items() if is_meant]
    if len(found) > 1:
        choices = " or ".join(f"{kind}:{text}" for kind in found)
        raise UnknownEnd(f"{text!r} means several things: write {choices}")
    if found:
        return _EXPLICIT[found[0]](model, text)
    known = [*model.namespaces, *_resources(model), *_SINGLE]
    raise UnknownEnd(
        f"{text!r} is neither a Namespace that is given, nor a shared resource, nor an entity"
        f"{_nearest(text, known)}"
    )


def _namespace(model: ClusterModel, name: str) -> tuple[End, ...]:
    _must_be_given(model, name)
    return _pods(model, name, lambda _: True, {}, name)


def _with_labels(model: ClusterModel, namespace: str, labels: str) -> tuple[End, ...]:
    _must_be_given(model, namespace)
    wanted: dict[str, str] = {}
    for each in labels.split(","):
        key, equals, value = each.partition("=")
        if not equals or not is_label_key(key) or not is_label_value(value):
            raise UnknownEnd(
                f"{namespace}:{labels}: {each!r} is no label; write NAMESPACE:KEY=VALUE, and more"
                " of them after commas"
            )
        wanted[key] = value
    return _pods(
        model,
        namespace,
        lambda workload: wanted.items() <= workload.labels.items(),
        wanted,
        f"{namespace}:{labels}",
    )


def _workload(model: ClusterModel, namespace: str, name: str) -> tuple[End, ...]:
    _must_be_given(model, namespace)
    here = model.workloads.get(namespace, [])
    found = [each for each in here if each.name == name]
    if not found:
        names = [each.name for each in here]
        raise UnknownEnd(
            f"{namespace}/{name}: no workload of this name is given{_nearest(name, names)}"
        )
    return _known(model, found, f"{namespace}/{name}")


def _resource(model: ClusterModel, name: str) -> tuple[End, ...]:
    resources = _resources(model)
    if name not in resources:
        raise UnknownEnd(f"{name!r} is no shared resource{_nearest(name, resources)}")
    resource = resources[name]
    if resource.home is not None:
        _must_be_given(model, resource.home, f"the shared resource {name} is in")
        labels = dict(resource.pod_labels)
        return _pods(
            model,
            resource.home,
            lambda workload: labels.items() <= workload.labels.items(),
            labels,
            f"resource {name}",
        )
    ends = [End(f"{name} ({entity})", Entity(entity)) for entity in resource.entities]
    for each in resource.networks:
        if each.except_:
            raise UnknownEnd(_name_an_address(name))
        ends.append(End(f"{name} ({each.cidr})", Network(ip_network(each.cidr))))
    for target in resource.fqdns:
        if target.match_name is None:
            raise UnknownEnd(f"resource {name} is a pattern of names: write one of the names")
        ends.append(End(f"{name} ({target.match_name})", Name(target.match_name)))
    if not ends:
        raise UnknownEnd(_name_an_address(name))
    return tuple(ends)


def _name_an_address(resource: str) -> str:
    return f"the networks of resource {resource} are not known one by one: write an address"


def _entity(_: ClusterModel, name: str) -> tuple[End, ...]:
    if name not in _SINGLE:
        raise UnknownEnd(
            f"{name!r} is not one of the entities {', '.join(sorted(_SINGLE))}"
            f"{_nearest(name, _SINGLE)}"
        )
    return (End(f"entity {name}", Entity(name)),)


def _of_settings(model: ClusterModel, path: str) -> tuple[End, ...]:
    settings = model.desired.catalogue.settings
    peers = dict(settings.named_peers())
    found = {each: peer for each, peer in peers.items() if path in (each, each.partition("[")[0])}
    if not found:
        known = sorted({each.partition("[")[0] for each in peers})
        raise UnknownEnd(f"settings:{path}: the settings name no peers there, but at {known}")
    return tuple(end for each, peer in found.items() for end in _peer(model, each, peer))


def _peer(model: ClusterModel, path: str, peer: Peer) -> Iterable[End]:
    for entity in peer.entities:
        yield End(f"{path} (entity {entity})", Entity(entity))
    for cidr in peer.cidrs:
        yield End(f"{path} ({cidr})", Network(ip_network(cidr)))
    if not peer.is_pods:
        return
    for namespace in peer.namespaces:
        _must_be_given(model, namespace, f"settings:{path} is in")
    if peer.namespace is not None:
        labels = dict(peer.pod_labels)
        yield from _pods(
            model,
            peer.namespace,
            lambda workload: labels.items() <= workload.labels.items(),
            labels,
            f"settings:{path}",
        )
        return
    found = [
        each
        for namespace in peer.namespaces or sorted(model.workloads)
        for each in model.workloads.get(namespace, ())
        if peer.selects(namespace, each.labels, model.namespaces.get(namespace, {}))
    ]
    if not found:
        raise UnknownEnd(f"settings:{path}: no pod that is given has the labels of {peer}")
    yield from _known(model, found, f"settings:{path}")


_EXPLICIT: Mapping[str, Callable[[ClusterModel, str], tuple[End, ...]]] = {
    "namespace": _namespace,
    "resource": _resource,
    "entity": _entity,
    "settings": _of_settings,
}


def _pods(
    model: ClusterModel,
    namespace: str,
    is_meant: Callable[[Workload], bool],
    labels: Mapping[str, str],
    text: str,
) -> tuple[End, ...]:
    """The pods of a Namespace; where no workload is given, one that may be any with the labels."""
    here = model.workloads.get(namespace)
    if not here:
        any_pod = model.any_pod(namespace)
        pod = Pod(
            namespace,
            any_pod.namespace_labels,
            dict(labels),
            complete=False,
            identity_labels=any_pod.identity_labels,
        )
        selector = read_selector({"matchLabels": dict(labels)})
        of_it = f" with {selector}" if labels else ""
        return (End(f"any pod of {namespace}{of_it}", pod),)
    found = [each for each in here if is_meant(each)]
    if not found:
        raise UnknownEnd(
            f"{text}: no workload that is given in Namespace {namespace} has these labels"
        )
    return _known(model, found, text)


def _known(model: ClusterModel, found: Iterable[Workload], text: str) -> tuple[End, ...]:
    held = [each for each in found if not each.host_network]
    if not held:
        raise UnknownEnd(
            f"{text} runs on the host's network, where no policy for pods holds; for its peers"
            " it is the entity host or remote-node"
        )
    return tuple(End(str(each), model.pod(each), each.ports) for each in held)


def _must_be_given(model: ClusterModel, namespace: str, whose: str = "") -> None:
    if namespace not in model.namespaces:
        of = f" ({whose} it)" if whose else ""
        raise UnknownEnd(
            f"the Namespace {namespace!r}{of} is not among what is given"
            f"{_nearest(namespace, model.namespaces)}"
        )


def _resources(model: ClusterModel) -> Mapping[str, SharedResource]:
    catalogue = model.desired.catalogue
    return {name: catalogue.resource(name) for name in catalogue.vocabulary.resources}


def _network(text: str) -> Network | None:
    try:
        return Network(ip_network(text, strict=False))
    except ValueError:
        return None


def _is_dns_name(text: str) -> bool:
    parts = text.removesuffix(".").split(".")
    return all(part and part.replace("-", "").replace("_", "").isalnum() for part in parts)


def _nearest(text: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(text, sorted(set(known)), 1)
    return f"; did you mean {close[0]!r}?" if close else ""
