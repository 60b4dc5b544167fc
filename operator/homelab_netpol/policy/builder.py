"""Puts a policy together: which object it is, its labels and annotations, and what it allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from homelab_netpol.policy.keys import CILIUM_KINDS, Component, PolicyKey
from homelab_netpol.policy.objects import (
    FIELD_MANAGER,
    MANAGED_BY_LABEL,
    LabelKeys,
    Policy,
    digest_of,
)
from homelab_netpol.policy.rendering import Rendered, Renderer
from homelab_netpol.policy.within_cluster import within_cluster

Texts = Mapping[str, str]

# At the most, as of renderings: what old custom resources said is never asked for again.
_MAX_REMEMBERED = 4096


class PolicyBuilder:
    """Makes policies, each with the labels that mark it as managed.

    Attributes:
        keys: the keys of labels and annotations.
    """

    def __init__(
        self, renderer: Renderer, label_domain: str, own_cluster: str | None = None
    ) -> None:
        """Prepares.

        Args:
            renderer: of the templates.
            label_domain: of the operator's own labels.
            own_cluster: the name of this cluster, for peer selectors; None: they name none.
        """
        self._renderer = renderer
        self._own_cluster = own_cluster
        self._narrowed: dict[tuple[str, str], Rendered] = {}
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
        cluster: str | None = None,
        **variables: Any,
    ) -> Policy:
        """Makes a policy of a template; see `build`, and `Renderer.body` for the template.

        Raises:
            RenderError: the template cannot be rendered.
        """
        rendered = self._renderer.body(template, key.kind, remember=remember, **variables)
        return self.build(
            key, component, rendered, labels, annotations, cluster=cluster, remember=remember
        )

    def build(
        self,
        key: PolicyKey,
        component: Component,
        rendered: Rendered,
        labels: Texts | None = None,
        annotations: Texts | None = None,
        *,
        cluster: str | None = None,
        remember: bool = True,
    ) -> Policy:
        """Makes a policy of what has been rendered.

        Args:
            key: which object it will be.
            component: what it is there for.
            rendered: what it says.
            labels: to stand beside those of every policy.
            annotations: of it.
            cluster: the cluster of its peers; without it, this one.
            remember: as for `Renderer.body`.
        """
        cluster = cluster or self._own_cluster
        if cluster is not None and key.kind in CILIUM_KINDS:
            rendered = self._within(rendered, cluster, remember=remember)
        body, digest = rendered
        managed = {MANAGED_BY_LABEL: FIELD_MANAGER, self.keys.component: component.value}
        return Policy(key, component, managed | dict(labels or {}), body, digest, annotations or {})

    def _within(self, rendered: Rendered, cluster: str, *, remember: bool) -> Rendered:
        """The same for pods of one cluster; thousands of namespaces share a rendering."""
        body, digest = rendered
        known = self._narrowed.get((digest, cluster))
        if known is None:
            narrowed = within_cluster(body, cluster)
            known = (narrowed, digest_of(narrowed))
            if remember:
                if len(self._narrowed) >= _MAX_REMEMBERED:
                    self._narrowed.clear()
                self._narrowed[digest, cluster] = known
        return known


def side_by_side(rendered: Sequence[Rendered]) -> Rendered:
    """One policy with the rule sets of several, in their order; of one, that one."""
    if len(rendered) == 1:
        return rendered[0]
    bodies = [body for body, _ in rendered]
    body = {"specs": [spec for each in bodies for spec in each.get("specs") or [each["spec"]]]}
    return body, digest_of(body)
