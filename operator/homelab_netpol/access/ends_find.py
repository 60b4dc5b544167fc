"""Finds what the text of an end means: `photos/web`, `internet`, `svc/database/pg`. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from ipaddress import ip_network

from homelab_netpol.access.addresses import resolve_address
from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.ends import End, EndError, Member, Ports, end_of
from homelab_netpol.access.ends_known import (
    ENTITY_WORDS,
    GATEWAY_WORDS,
    SETTINGS_WORDS,
    KnownEnds,
    name_of,
)
from homelab_netpol.access.ends_services import service_end
from homelab_netpol.cilium.evaluation import Entity, Name, Network
from homelab_netpol.cilium.terms import IpNetwork, is_dns_name, is_label_key, is_label_value
from homelab_netpol.manifests import Manifest, kinds
from homelab_netpol.manifests.workloads import Workload

_IN_CLUSTER = (".svc", ".svc.cluster.local")
_FORMS = (
    "write a Namespace, NAMESPACE/WORKLOAD, NAMESPACE/LABEL=VALUE, svc/NAMESPACE/SERVICE, a shared"
    " resource, an address or network, a DNS name, or internet, lan, internal, external, dns,"
    " prometheus, host, remote-node, kube-apiserver, health, ingress"
)
_SHOWN = 8


class EndFinder:
    """Reads what people write for an end of a connection."""

    def __init__(self, model: ClusterModel) -> None:
        self._model = model
        self.known = KnownEnds(model)

    def find(self, text: str) -> End:
        """The end that a text means.

        Raises:
            EndError: it means nothing that is given, or several things.
        """
        network = _network(text)
        if network is not None:
            return self._of_address(text, network)
        if "=" in text:
            return self._by_labels(text)
        first, slash, rest = text.partition("/")
        if slash and first in ("svc", "service"):
            return self._service(*_two(text, rest))
        if slash and first in self._by_kind and "/" not in rest:
            return self._of_kind(first, rest, text)
        if slash:
            return self._workload(first, rest)
        return self._word(text)

    @property
    def resources(self) -> list[str]:
        """The names of the shared resources that there are."""
        return list(self._model.desired.catalogue.vocabulary.resources)

    @property
    def _by_kind(self) -> dict[str, Callable[[str], End | None]]:
        """What a word may mean, by the prefix that says which."""
        return {
            "namespace": self._namespace,
            "resource": self._resource,
            "gateway": lambda word: self.known.gateway(word) if word in GATEWAY_WORDS else None,
            "entity": lambda word: self.known.entity(word) if word in ENTITY_WORDS else None,
            "settings": lambda word: (
                self.known.of_settings(word) if word in SETTINGS_WORDS else None
            ),
        }

    def _of_kind(self, kind: str, word: str, text: str) -> End:
        end = self._by_kind[kind](word)
        if end is None:
            what = "word of the settings" if kind == "settings" else kind
            raise EndError(f"{text}: there is no {what} {word}")
        return end

    def _word(self, word: str) -> End:
        meanings: dict[str, Callable[[], End]] = {}
        if word in SETTINGS_WORDS:
            meanings[f"settings/{word}"] = lambda: self._of_kind("settings", word, word)
        if word in ENTITY_WORDS:
            meanings[f"entity/{word}"] = lambda: self.known.entity(word)
        if word in GATEWAY_WORDS:
            meanings[f"gateway/{word}"] = lambda: self.known.gateway(word)
        if word in self._model.desired.catalogue.vocabulary.resources:
            meanings[f"resource/{word}"] = lambda: self.known.resource(word)
        if word in self._model.namespaces:
            meanings[f"namespace/{word}"] = lambda: self._some_namespace(word)
        if len(meanings) > 1:
            raise EndError(f"{word} is more than one thing: write {' or '.join(sorted(meanings))}")
        for meaning in meanings.values():
            return meaning()
        if "." in word:
            return self._name(word)
        near = difflib.get_close_matches(
            word.lower(),
            [
                *self._model.namespaces,
                *self._model.desired.catalogue.vocabulary.resources,
                *SETTINGS_WORDS,
                *ENTITY_WORDS,
                *GATEWAY_WORDS,
            ],
            n=1,
        )
        hint = f"did you mean {near[0]}?" if near else f"{_FORMS}."
        raise EndError(f"{word}: nothing of the name is given; {hint}")

    def _resource(self, name: str) -> End | None:
        words = self._model.desired.catalogue.vocabulary.resources
        return self.known.resource(name) if name in words else None

    def _namespace(self, name: str) -> End | None:
        return self._some_namespace(name) if name in self._model.namespaces else None

    def _some_namespace(self, name: str) -> End:
        found = self._model.workloads.get(name, [])
        if found:
            return self._pods(name, found)
        end = End(name, (Member(name, self._model.any_pod(name)),))
        return end.noting(f"no pods of {name} are given: the answer is for any pod there")

    def _workload(self, namespace: str, rest: str) -> End:
        kind, slash, name = rest.rpartition("/")
        self._must_be_namespace(namespace, f"{namespace}/{rest}")
        there = self._model.workloads.get(namespace, [])
        found = [
            each
            for each in there
            if name in (each.name, name_of(each))
            and (not slash or each.kind.lower() == kind.lower())
        ]
        made = {each.kind for each in found if name == each.name}
        if len(made) > 1:
            choices = " or ".join(f"{namespace}/{each.lower()}/{name}" for each in sorted(made))
            raise EndError(f"{namespace}/{rest} is more than one thing: write {choices}")
        if found:
            return self._pods(f"{namespace}/{name}", found)
        if self._model.manifests.get(kinds.SERVICE, name, namespace) is not None:
            raise EndError(f"{namespace}/{rest}: a Service; write svc/{namespace}/{name}")
        names = list(dict.fromkeys(map(name_of, there)))
        if not names:
            raise EndError(
                f"{namespace}/{rest}: no pods of {namespace} are given; write {namespace}, or"
                f" {namespace}/LABEL=VALUE, for any pod there"
            )
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        raise EndError(
            f"{namespace}/{rest}: no pods of the name are given; there are"
            f" {', '.join(names[:_SHOWN])}{more}"
        )

    def _by_labels(self, text: str) -> End:
        before = text.partition("=")[0]
        separator = ":" if ":" in before else "/"
        namespace, _, rest = text.partition(separator)
        if not rest or not _is_name(namespace):
            raise EndError(f"{text}: say in which Namespace, as in photos/app=web")
        self._must_be_namespace(namespace, text)
        labels: dict[str, str] = {}
        for part in rest.split(","):
            key, _, value = part.partition("=")
            if not is_label_key(key) or not is_label_value(value):
                raise EndError(f"{text}: {part} is no label; write KEY=VALUE,KEY=VALUE")
            labels[key] = value
        there = self._model.workloads.get(namespace, ())
        found = [each for each in there if labels.items() <= each.labels.items()]
        if found:
            return self._pods(text, found)
        end = End(text, (Member(text, self.known.some_pod(namespace, labels)),))
        return end.noting(f"no such pods are given: the answer is for any pod with {rest}")

    def _service(self, namespace: str, name: str) -> End:
        self._must_be_namespace(namespace, f"svc/{namespace}/{name}")
        service = self._model.manifests.get(kinds.SERVICE, name, namespace)
        if service is None:
            there = [
                each.name
                for each in self._model.manifests.of(kinds.SERVICE)
                if each.namespace == namespace
            ]
            hint = f"; there are {', '.join(there[:_SHOWN])}" if there else ""
            raise EndError(f"svc/{namespace}/{name}: no such Service is given{hint}")
        return service_end(self._model, self.known, service)

    def _of_address(self, text: str, network: IpNetwork) -> End:
        if network.num_addresses > 1:
            return End(text, (Member(text, Network(network)),))
        address = str(network.network_address)
        resolved = resolve_address(self._model, address)
        if resolved.pod is not None:
            pod = resolved.pod
            end = self._pods(f"{pod.namespace}/{name_of(pod)}", [pod])
            return end.noting(f"{address} is {end.words}")
        if resolved.service is not None:
            end = service_end(self._model, self.known, resolved.service)
            return end.noting(f"{address} is {resolved.words}")
        if isinstance(resolved.endpoints[0], Network):
            return End(text, (Member(text, Network(network)),))
        words = resolved.words
        members = [
            Member(f"{words} ({each.name})" if isinstance(each, Entity) else words, each)
            for each in resolved.endpoints
        ]
        return end_of(words, members).noting(f"{address} is {words}")

    def _name(self, name: str) -> End:
        for service in self._services_named(name):
            end = service_end(self._model, self.known, service)
            return end.noting(f"{name} is Service {service.namespace}/{service.name}")
        if not is_dns_name(name):
            raise EndError(f"{name}: no DNS name; {_FORMS}.")
        if f"{name.lower()}.".endswith(tuple(f"{each}." for each in _IN_CLUSTER)):
            # Only the cluster answers for such a name; it is none of the internet's.
            raise EndError(
                f"{name}: no such Service is given; write svc/NAMESPACE/SERVICE, or name the pods,"
                " as in photos/web"
            )
        for which in self.known.gateways_serving(name):
            return self.known.gateway(which).noting(
                f"{name} is served by the cluster's own {which} gateway, and judged as its pods"
            )
        ports = self.known.internet().ports
        end = End(name, (Member(name, Name(name.rstrip(".").lower())),), ports)
        host, _, namespace = name.partition(".")
        if namespace not in self._model.namespaces:
            return end
        return end.noting(
            f"no Service {host} of the Namespace {namespace} is given: {name} is judged as a"
            " name outside the cluster"
        )

    def _services_named(self, name: str) -> Iterator[Manifest]:
        host = name.lower().removesuffix(".")
        for suffix in ("", *_IN_CLUSTER):
            if host.endswith(suffix):
                service, _, namespace = host.removesuffix(suffix).partition(".")
                found = self._model.manifests.get(kinds.SERVICE, service, namespace)
                if found is not None:
                    yield found

    def _pods(self, words: str, workloads: Iterable[Workload]) -> End:
        found = list(workloads)
        members = [member for each in found for member in self.known.workload(each)]
        return end_of(words, members, _declared(found))

    def _must_be_namespace(self, name: str, text: str) -> None:
        if name in self._model.namespaces:
            return
        near = difflib.get_close_matches(name, list(self._model.namespaces), n=1)
        hint = f"did you mean {near[0]}?" if near else f"{_FORMS}."
        raise EndError(f"{text}: no Namespace {name} is given; {hint}")


def _declared(workloads: Sequence[Workload]) -> list[Ports]:
    return [Ports.one(port.number, port.protocol) for each in workloads for port in each.ports]


def _network(text: str) -> IpNetwork | None:
    if "%" in text:
        return None
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def _is_name(text: str) -> bool:
    return "." not in text and is_label_value(text) and bool(text)


def _two(text: str, rest: str) -> tuple[str, str]:
    namespace, slash, name = rest.partition("/")
    if not slash or not name or "/" in name:
        raise EndError(f"{text}: write svc/NAMESPACE/SERVICE")
    return namespace, name
