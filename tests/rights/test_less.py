"""What can be left out of the rights, and what they do not give."""

from __future__ import annotations

from pathlib import Path

from tests.cluster.audited import AuditedPlane
from tests.cluster.kube import Kube
from tests.cluster.service_account import install, write_kubeconfig
from tests.cluster.spaces import PROFILE
from tests.cluster.watched import resync
from tests.rights.roles import ISTIO, rights, without
from tests.rights.stage import Stage
from tests.running_operator import running_operator


def test_who_writes_no_policy_of_istios_needs_no_right_on_them(
    stage: Stage, plane: AuditedPlane, kube: Kube, tmp_path: Path
) -> None:
    install(kube, without(rights(ISTIO), "without-istio"))
    account = write_kubeconfig(kube, plane, "without-istio", tmp_path / "kubeconfig")
    app = stage.spaces({PROFILE: "isolated", "istio.io/dataplane-mode": "ambient"})
    with running_operator(account, {"resyncSeconds": 1}) as operator:
        app.has_profile("isolated")
        resync(operator, 2)
        text = operator.log.read_text("utf-8")
    assert "WARNING" not in text
    assert "orbidden" not in text
