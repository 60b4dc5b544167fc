"""Reads a SharedResource: its spec is an entry of the settings, checked by the same model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from homelab_netpol.definitions.model import NotUsable, ResourceDefinition, Why
from homelab_netpol.intent import NamespaceSelector, Operator, Requirement
from homelab_netpol.settings import Selector, SharedResource, problem_in_words
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
            # What a list lacks once its faulty items are gone is nobody's mistake.
            if each["type"] != "too_short" or each["input"] in ([], ())
        ]
        problem = NotUsable(Why.SPEC_INVALID, "; ".join(problems))
        return ResourceDefinition(name, generation, problem)
    return ResourceDefinition(name, generation, None, resource)


def namespace_selector(resource: SharedResource) -> NamespaceSelector | None:
    """Who may ask for a shared resource; None: everybody."""
    if resource.allow_from is None:
        return None
    return _selector(resource.allow_from)


def _selector(selector: Selector) -> NamespaceSelector:
    equal = [
        Requirement(key, Operator.IN, (value,)) for key, value in selector.match_labels.items()
    ]
    beyond = [
        Requirement(each.key, Operator(each.operator), each.values)
        for each in selector.match_expressions
    ]
    return NamespaceSelector((*equal, *beyond))
