"""The settings' labels, compared with what Cilium leaves out of identities."""

from __future__ import annotations

from collections.abc import Iterator

from homelab_netpol.definitions import settings_labels
from homelab_netpol.findings.finding import Finding, FindingReason
from homelab_netpol.findings.inspection import Inspection


def check(inspection: Inspection) -> Iterator[Finding | None]:
    """Finds the settings by which the operator's policies select no endpoint."""
    catalogue = inspection.cache.catalogue
    for path, key, namespace in settings_labels(catalogue.settings):
        why = catalogue.identity_labels.why_left_out(key)
        if why is not None:
            yield Finding(
                FindingReason.LABEL_NOT_IN_IDENTITY,
                namespace,
                f"The setting {path} selects no endpoint by {key}, as {why}. Set another label, or"
                " let Cilium keep this one.",
            )
    for name, problem in catalogue.unusable_settings.items():
        home = catalogue.settings.shared_resources[name].namespace
        yield Finding(FindingReason.LABEL_NOT_IN_IDENTITY, home or "", problem.sentence)
    yield None
