"""Reads a SharedResource: its spec is an entry of the settings, checked by the same model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from homelab_netpol.definitions.model import NotUsable, ResourceDefinition, UnusableReason
from homelab_netpol.settings import SharedResource, problem_in_words
from homelab_netpol.settings.fields import DnsLabel

_LABEL_SUFFIX: TypeAdapter[str] = TypeAdapter(DnsLabel)
_UNKNOWN = "no such field; see `kubectl explain sharedresource.spec`"


def read_resource(manifest: Mapping[str, Any]) -> ResourceDefinition:
    """Reads an object of the API server; what is wrong with it becomes its `problem`."""
    metadata = manifest["metadata"]
    name, generation = metadata["name"], int(metadata.get("generation") or 0)
    try:
        _LABEL_SUFFIX.validate_python(name)
        resource = SharedResource.model_validate(manifest.get("spec") or {}, by_name=False)
    except ValidationError as error:
        problems = [
            problem_in_words({**each, "loc": ("spec", *each["loc"])}, unknown=_UNKNOWN)
            for each in error.errors(include_url=False)
            # That a list is empty once its faulty items are gone is no mistake of its own.
            if each["type"] != "too_short" or each["input"] in ([], ())
        ]
        problem = NotUsable(UnusableReason.SPEC_INVALID, "; ".join(problems))
        return ResourceDefinition(name, generation, problem)
    return ResourceDefinition(name, generation, None, resource)
