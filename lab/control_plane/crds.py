"""CustomResourceDefinitions on an API server, above all Cilium's.

Finds which are missing, installs them, and waits until their objects can be listed and watched.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from lab.control_plane.api import Api
from lab.control_plane.errors import LocalClusterError

_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

# The operator does not work without these.
REQUIRED = (
    "ciliumnetworkpolicies.cilium.io",
    "ciliumclusterwidenetworkpolicies.cilium.io",
)

Definition = Mapping[str, Any]
# Polls a condition; the text says what is waited for.
Wait = Callable[[Callable[[], bool], str], None]


def missing(api: Api, names: Sequence[str] = REQUIRED) -> list[str]:
    """The names among `names` that the cluster has no CRD for.

    Raises:
        LocalClusterError: The API server answers with an error, or not at all.
    """
    absent = []
    for name in names:
        answer = api.request("GET", f"{_CRDS}/{name}")
        if answer.status == 404:
            absent.append(name)
        elif answer.status != 200:
            raise LocalClusterError(
                f"cannot ask the API server for CRD {name}: {answer.status} {answer.text}"
            )
    return absent


def install(api: Api, definitions: Sequence[Definition], wait: Wait) -> None:
    """Creates the CRDs and waits until all are served; those that exist are left as they are."""
    for definition in definitions:
        what = f"the API server to take CRD {definition['metadata']['name']}"
        wait(partial(_created, api, definition), what)
    for definition in definitions:
        what = f"the API server to serve {definition['metadata']['name']}"
        wait(partial(_served, api, definition), what)


def _created(api: Api, definition: Definition) -> bool:
    answer = api.request("POST", _CRDS, definition)
    if answer.status in (400, 422):
        name = definition["metadata"]["name"]
        raise LocalClusterError(f"the API server refuses CRD {name}: {answer.text}")
    return answer.status in (201, 409)


def _served(api: Api, definition: Definition) -> bool:
    # Established is not enough: just after it, while the storage of the new kind is being set up,
    # lists and watches are answered with 429, which an operator that starts then takes for a fault.
    name, spec = definition["metadata"]["name"], definition["spec"]
    answer = api.request("GET", f"{_CRDS}/{name}")
    if answer.status != 200:
        return False
    # null, or absent, until a controller has looked at it.
    conditions = (answer.json().get("status") or {}).get("conditions") or []
    if not any(c["type"] == "Established" and c["status"] == "True" for c in conditions):
        return False
    for version in (v["name"] for v in spec["versions"] if v["served"]):
        collection = f"/apis/{spec['group']}/{version}/{spec['names']['plural']}"
        if api.request("GET", f"{collection}?limit=1").status != 200:
            return False
        if api.watch_status(collection) != 200:
            return False
    return True
