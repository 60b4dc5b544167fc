"""JSON schemas of Kubernetes' kinds for kubeconform, from what an API server says of itself.

    write_schemas(plane.api, objects, folder)
    kubeconform -strict -schema-location LOCATION ...

As strict as the API server is with `--validate=strict`: a field that there is not is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lab.control_plane.api import Api
from tests.install.rendered import Manifest

# kubeconform puts in the kind in small letters, and `-GROUP-VERSION`, of the group its first word.
FILE_NAME = "{{.ResourceKind}}{{.KindSuffix}}.json"
_KIND = "x-kubernetes-group-version-kind"
_OPEN = "x-kubernetes-preserve-unknown-fields"


def write_schemas(api: Api, objects: Sequence[Manifest], folder: Path) -> None:
    """Writes a schema for the kind of every object, under the name that kubeconform looks for.

    Args:
        api: the API server.
        objects: of any kinds that it knows.
        folder: for the files.

    Raises:
        LookupError: the API server does not know a kind.
    """
    kinds: dict[str, set[str]] = {}
    for each in objects:
        kinds.setdefault(each["apiVersion"], set()).add(each["kind"])
    for group_version, names in kinds.items():
        group, _, version = group_version.rpartition("/")
        path = f"/openapi/v3/apis/{group_version}" if group else f"/openapi/v3/api/{version}"
        schemas = api.request("GET", path).json()["components"]["schemas"]
        closed = {name: _closed(schema) for name, schema in schemas.items()}
        suffix = "-".join(filter(None, (group.partition(".")[0], version)))
        for name in names:
            wanted = {"group": group, "version": version, "kind": name}
            document = {**_of_kind(closed, wanted), "components": {"schemas": closed}}
            (folder / f"{name.lower()}-{suffix}.json").write_text(json.dumps(document))


def _of_kind(schemas: Mapping[str, Any], wanted: Mapping[str, str]) -> dict[str, Any]:
    for schema in schemas.values():
        if wanted in schema.get(_KIND, ()):
            return dict(schema)
    raise LookupError(f"the API server knows no {wanted}")


def _closed(schema: Any) -> Any:
    """A schema that takes no fields but those it names; what it sets aside stays as it is."""
    if not isinstance(schema, dict):
        return schema
    # Not into allOf, anyOf, oneOf and not: these add conditions to fields that are named elsewhere.
    closed = dict(schema)
    if "properties" in schema:
        closed["properties"] = {name: _closed(each) for name, each in schema["properties"].items()}
        if not schema.get(_OPEN):
            closed.setdefault("additionalProperties", False)
    for key in ("items", "additionalProperties"):
        if key in closed:
            closed[key] = _closed(closed[key])
    return closed
