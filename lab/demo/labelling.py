"""Plays the homelab's owner: creates Namespaces, labels them, and waits for the policies."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from lab.demo.client import Client, RequestFailed
from lab.demo.findings import Latency
from lab.demo.homelab import Homelab, Namespace
from lab.demo.in_force import InForce, read_in_force
from lab.demo.informer import Collection, Informer

# Longer means wrong, not slow: the findings then show what is missing.
_WAIT_SECONDS = 5.0

_Condition = Callable[[InForce], bool]


class Owner:
    """Creates and labels the Namespaces of a homelab."""

    def __init__(self, client: Client, informer: Informer, domain: str) -> None:
        self._client = client
        self._informer = informer
        self._domain = domain

    def create(self, homelab: Homelab) -> None:
        """Creates the Namespaces, without labels, and waits until they are seen.

        Those of the platform get a pod each, to which grants lead; that it runs is not needed.
        """
        for name in homelab.names():
            body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            self._client.create(Collection.NAMESPACE, body)
        wanted = set(homelab.names())
        self._informer.wait_for(
            lambda snapshot: wanted <= set(snapshot.namespaces()), _WAIT_SECONDS
        )
        for one in homelab.namespaces:
            if one.platform:
                self._run_pod(one.name)

    def _run_pod(self, namespace: str) -> None:
        spec = {"containers": [{"name": "main", "image": "registry.k8s.io/pause:3.10"}]}
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "main"}, "spec": spec}
        deadline = time.monotonic() + _WAIT_SECONDS
        while True:
            try:
                self._client.create(f"{Collection.NAMESPACE}/{namespace}/pods", body)
                return
            except RequestFailed as error:
                # Until its service account has been made, which takes a moment.
                if error.status != 403 or time.monotonic() > deadline:
                    raise
            time.sleep(0.1)

    def label(self, homelab: Homelab) -> dict[str, Latency]:
        """Labels one Namespace after the other.

        Returns:
            By namespace, how long it took until the policies that its labels ask for were there.
        """
        latencies = {}
        for one in homelab.namespaces:
            labels = one.first_labels(self._domain)
            # A platform namespace keeps its own policies: there is nothing to wait for.
            done: _Condition | None = None if one.platform else partial(_has_what_it_asked_for, one)
            latencies[one.name] = Latency(self._label(one.name, labels, done))
        for one in homelab.namespaces:
            labels = one.later_labels(self._domain)
            opened = self._label(one.name, labels, _is_open if one.hatch else None)
            latencies[one.name] = replace(latencies[one.name], hatch=opened)
        return latencies

    def _label(
        self, namespace: str, labels: dict[str, str], done: _Condition | None
    ) -> float | None:
        """Sets labels; the milliseconds until `done`, None without one or if it never came."""
        if not labels:
            return None
        sent = time.monotonic()
        self._client.merge(f"{Collection.NAMESPACE}/{namespace}", {"metadata": {"labels": labels}})
        if done is None or not self._informer.wait_for(
            lambda snapshot: done(read_in_force(snapshot, namespace, self._domain)), _WAIT_SECONDS
        ):
            return None
        seen = self._informer.last_policy_change(namespace, sent)
        return None if seen is None else (seen - sent) * 1000


def _has_what_it_asked_for(namespace: Namespace, found: InForce) -> bool:
    return (found.profile, found.grants) == (namespace.profile, namespace.grants)


def _is_open(found: InForce) -> bool:
    return found.hatch
