"""Puts a policy together: which object it is, its labels and annotations, and what it allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from homelab_netpol.policy.keys import Component, PolicyKey
from homelab_netpol.policy.objects import (
    FIELD_MANAGER,
    MANAGED_BY_LABEL,
    LabelKeys,
    Policy,
    digest_of,
)
from homelab_netpol.policy.rendering import Rendered, Renderer

Texts = Mapping[str, str]


class PolicyBuilder:
    """Makes policies, each with the labels that mark it as managed.

    Attributes:
        keys: the keys of labels and annotations.
    """

    def __init__(self, renderer: Renderer, label_domain: str) -> None:
        self._renderer = renderer
        self.keys = LabelKeys(label_domain)

    def render(
        self,
        key: PolicyKey,
        component: Component,
        template: str,
        *,
        labels: Texts | None = None,
        annotations: Texts | None = None,
        remember: bool = True,
        **variables: Any,
    ) -> Policy:
        """Makes a policy of a template; see `build`, and `Renderer.body` for the template.

        Raises:
            RenderError: the template cannot be rendered.
        """
        rendered = self._renderer.body(template, key.kind, remember=remember, **variables)
        return self.build(key, component, rendered, labels, annotations)

    def build(
        self,
        key: PolicyKey,
        component: Component,
        rendered: Rendered,
        labels: Texts | None = None,
        annotations: Texts | None = None,
    ) -> Policy:
        """Makes a policy of what has been rendered; `labels` stand beside those of every policy."""
        body, digest = rendered
        managed = {MANAGED_BY_LABEL: FIELD_MANAGER, self.keys.component: component.value}
        return Policy(key, component, managed | dict(labels or {}), body, digest, annotations or {})


def side_by_side(rendered: Sequence[Rendered]) -> Rendered:
    """One policy with the rule sets of several, in their order; of one, that one."""
    if len(rendered) == 1:
        return rendered[0]
    bodies = [body for body, _ in rendered]
    body = {"specs": [spec for each in bodies for spec in each.get("specs") or [each["spec"]]]}
    return body, digest_of(body)
