"""The tests' own eyes and hands on the API server, which know nothing of the operator's code."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from kubernetes import config

Manifest = dict[str, Any]
Found = TypeVar("Found")

CNP = "ciliumnetworkpolicies"
CCNP = "ciliumclusterwidenetworkpolicies"
_CILIUM = "/apis/cilium.io/v2"
DEADLINE_SECONDS = 30.0


class Answered(AssertionError):
    """The API server answered with a status that the test did not expect."""

    def __init__(self, method: str, path: str, status: int, text: str) -> None:
        super().__init__(f"{method} {path}: {status} {text[:600]}")
        self.status = status


def eventually(
    look: Callable[[], Found | None], what: str, *, seconds: float = DEADLINE_SECONDS
) -> Found:
    """Looks again and again until there is something to see.

    Args:
        look: returns something true when it is there; a failed assertion counts as not yet.
        what: is being waited for, for the message.
        seconds: to wait at the most.

    Returns:
        What `look` found.

    Raises:
        AssertionError: it did not come.
    """
    deadline = time.monotonic() + seconds
    last: object = None
    while True:
        try:
            found = last = look()
            if found:
                return found
        except AssertionError as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s for {what}; last seen: {last!r}")
        time.sleep(0.02)


class Kube:
    """Plain requests to one API server.

    Args:
        kubeconfig: the kubeconfig file.
        context: a context of it.
    """

    def __init__(self, kubeconfig: Path, context: str) -> None:
        self._client = config.new_client_from_config(str(kubeconfig), context, persist_config=False)

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def call(
        self, method: str, path: str, body: Any = None, *, content_type: str = "application/json"
    ) -> tuple[int, str]:
        """Sends a request; returns the status and the text of the answer, whatever they are."""
        request = self._client.param_serialize(
            method,
            path,
            header_params={"Accept": "application/json", "Content-Type": content_type},
            body=body,
            auth_settings=["BearerToken"],
        )
        response = self._client.call_api(*request, _request_timeout=DEADLINE_SECONDS)
        return int(response.status), response.read().decode()

    def get(self, path: str) -> Manifest | None:
        """Reads an object; None when it is not there."""
        return self._object("GET", path, missing=True)

    def create(self, collection: str, body: Mapping[str, Any]) -> Manifest:
        """Creates an object."""
        return self._object("POST", collection, body) or {}

    def replace(self, path: str, body: Mapping[str, Any]) -> Manifest:
        """Replaces an object whole."""
        return self._object("PUT", path, body) or {}

    def patch(self, path: str, body: Mapping[str, Any]) -> Manifest:
        """Changes parts of an object (JSON merge patch: null takes away)."""
        return self._object("PATCH", path, body, content_type="application/merge-patch+json") or {}

    def delete(self, path: str) -> None:
        """Deletes an object; fine if it is gone already."""
        self._object("DELETE", path, missing=True)

    def items(self, collection: str) -> list[Manifest]:
        """Lists a collection."""
        found: list[Manifest] = (self._object("GET", collection) or {})["items"]
        return found

    def cnp(self, namespace: str, name: str) -> Manifest | None:
        """A CiliumNetworkPolicy; None when it is not there."""
        return self.get(cnp_path(namespace, name))

    def ccnp(self, name: str) -> Manifest | None:
        """A CiliumClusterwideNetworkPolicy; None when it is not there."""
        return self.get(ccnp_path(name))

    def wait_for_deletions(self) -> None:
        """Waits until no Namespace is being deleted any more.

        Those of earlier tests take their leave from the resources' lists of consumers when they
        are gone, which is a write that a test of "no write" must not see.
        """

        def none_left() -> bool:
            namespaces = self.items("/api/v1/namespaces")
            return not any("deletionTimestamp" in item["metadata"] for item in namespaces)

        eventually(none_left, "the Namespaces of earlier tests to be gone", seconds=60.0)

    def resource_versions(self) -> dict[str, str]:
        """The resourceVersion of every policy of both kinds, by where it is.

        Those in a Namespace that is being deleted are left out, as they go at any moment.
        """
        going = {
            item["metadata"]["name"]
            for item in self.items("/api/v1/namespaces")
            if "deletionTimestamp" in item["metadata"]
        }
        found = {}
        for kind in (CNP, CCNP):
            for item in self.items(f"{_CILIUM}/{kind}"):
                metadata = item["metadata"]
                namespace = metadata.get("namespace", "")
                if namespace not in going:
                    found[f"{kind} {namespace}/{metadata['name']}"] = metadata["resourceVersion"]
        return found

    def policy_writes(self) -> float:
        """How many requests that change policies the API server has counted, refused ones too."""
        status, text = self.call("GET", "/metrics")
        assert status == 200, text[:300]
        total = 0.0
        for line in text.splitlines():
            about_policies = any(f'resource="{kind}"' in line for kind in (CNP, CCNP))
            writes = any(f'verb="{verb}"' in line for verb in ("POST", "PUT", "PATCH", "DELETE"))
            # The end of a Namespace counts as a DELETE, too, but of a whole collection.
            one = 'scope="resource"' in line
            if line.startswith("apiserver_request_total{") and about_policies and writes and one:
                total += float(line.rsplit(" ", 1)[1])
        return total

    def _object(
        self, method: str, path: str, body: Any = None, *, missing: bool = False, **more: str
    ) -> Manifest | None:
        status, text = self.call(method, path, body, **more)
        if missing and status == 404:
            return None
        if not 200 <= status < 300:
            raise Answered(method, path, status, text)
        found: Manifest = json.loads(text)
        return found


def namespace_path(name: str) -> str:
    """Where a Namespace is."""
    return f"/api/v1/namespaces/{name}"


def cnp_path(namespace: str, name: str = "") -> str:
    """Where a CiliumNetworkPolicy is; without a name, all of a namespace."""
    return f"{_CILIUM}/namespaces/{namespace}/{CNP}" + (f"/{name}" if name else "")


def ccnp_path(name: str = "") -> str:
    """Where a CiliumClusterwideNetworkPolicy is; without a name, all of them."""
    return f"{_CILIUM}/{CCNP}" + (f"/{name}" if name else "")
