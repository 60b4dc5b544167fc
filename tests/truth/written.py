"""A cluster in Cilium's engine: labelled Namespaces, and what the operator writes for them.

Without a control plane: what should stand, rendered, and judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.check_templates import check_templates
from homelab_netpol.policy.desired import desired_state
from homelab_netpol.settings import Settings
from lab.control_plane import Engine, Flow, Identity, Verdict

DOMAIN = "network-policy.homelab"

Words = Mapping[str, str]
_ACCESS = "access/"


def enforce(
    engine: Engine,
    settings: Settings,
    namespaces: Mapping[str, Words],
    ends: Mapping[str, Identity],
) -> None:
    """Makes these the only identities, and what the operator writes the only policies.

    Args:
        engine: Cilium's.
        settings: the operator's.
        namespaces: by name, the words on each: `profile`, `access/postgres`, `gateway-ports` and so
            on mean those of the operator's domain, others are labels as they stand. In each is a
            pod without labels, called like the namespace.
        ends: everybody else.

    Raises:
        AssertionError: Cilium refuses a policy.
        RenderError: a template cannot be rendered.
    """
    catalogue = Catalogue(settings)
    check_templates(catalogue)
    manifests = [{"metadata": {"name": name, **_said(own)}} for name, own in namespaces.items()]
    pods = {
        each["metadata"]["name"]: Identity.pod(
            each["metadata"]["name"], {}, each["metadata"]["labels"]
        )
        for each in manifests
    }
    engine.identities({**pods, **ends})
    assert (
        engine.policies(desired_state(catalogue, manifests, datetime.now(UTC)).cilium_objects) == []
    )


def verdict(engine: Engine, source: str, target: str, port: int, protocol: str = "TCP") -> Verdict:
    """What Cilium does with a connection."""
    [found] = engine.verdicts([Flow(source, target, port, protocol)])
    return found


def allows(engine: Engine, source: str, target: str, port: int, protocol: str = "TCP") -> bool:
    """Whether a connection is allowed at both ends."""
    return verdict(engine, source, target, port, protocol).allowed


def _said(words: Words) -> dict[str, Any]:
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    for key, value in words.items():
        if key.startswith(_ACCESS):
            labels[f"access.{DOMAIN}/{key.removeprefix(_ACCESS)}"] = value
        elif key.endswith("-ports"):
            annotations[f"{DOMAIN}/{key}"] = value
        else:
            labels[key if "/" in key else f"{DOMAIN}/{key}"] = value
    return {"labels": labels, "annotations": annotations}
