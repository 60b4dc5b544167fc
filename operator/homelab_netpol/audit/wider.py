"""Rules that are wider than their words, by the operator's own findings and the linter. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from homelab_netpol.access.edge_words import object_id
from homelab_netpol.audit.given import Given
from homelab_netpol.audit.result import Wider
from homelab_netpol.cilium.evaluation import PolicyRef
from homelab_netpol.findings.finding import FindingReason
from homelab_netpol.lint import Given as LintGiven
from homelab_netpol.lint import lint
from homelab_netpol.lint.rules import width, wildcards

_RULES = frozenset(rule.id for module in (width, wildcards) for rule in module.RULES)


def wider_rules(given: Given) -> Mapping[str, Sequence[Wider]]:
    """Those of each Namespace; "": of clusterwide policies that concern many."""
    found: defaultdict[str, list[Wider]] = defaultdict(list)
    for namespace, wider in (*_by_findings(given), *_by_linter(given)):
        found[namespace].append(wider)
    return found


def _by_findings(given: Given) -> Iterator[tuple[str, Wider]]:
    for finding in given.findings:
        if finding.reason is FindingReason.PROFILE_WIDENED and finding.policy is not None:
            object_ = object_id(finding.policy)
            yield finding.subject, Wider(object_, finding.message, str(finding.reason))


def _by_linter(given: Given) -> Iterator[tuple[str, Wider]]:
    linted = LintGiven(
        given.manifests,
        given.model.desired.catalogue,
        given.now,
        config=given.model.config,
        from_cluster=given.from_cluster,
        with_operator=True,
    )
    for finding in lint(linted, given.texts, select=_RULES):
        manifest = finding.manifest
        if manifest is None:
            continue
        ref = PolicyRef(manifest.kind, manifest.namespace, manifest.name)
        place = f"{finding.path}: " if finding.path else ""
        yield (
            manifest.namespace,
            Wider(object_id(ref), f"{place}{finding.message}.", finding.rule.id),
        )
