"""Mutual TLS by Namespace, as Istio's own documentation of PeerAuthentication has it."""

from __future__ import annotations

from typing import Any

from tests.audit.audited import audited, in_namespace, manifest

_AMBIENT = {"istio.io/dataplane-mode": "ambient"}


def _space(name: str, labels: dict[str, str]) -> str:
    return manifest("v1", "Namespace", name, metadata={"labels": labels})


def _peer(where: str, mode: str, **spec: Any) -> str:
    mtls = {"mtls": {"mode": mode}} if mode else {}
    name = "default" if not spec else "some"
    version, kind = "security.istio.io/v1", "PeerAuthentication"
    return manifest(version, kind, name, metadata={"namespace": where}, spec={**mtls, **spec})


def test_the_namespaces_own_wins_over_the_meshs_and_without_both_it_is_permissive() -> None:
    spaces = [
        _space("own", _AMBIENT),
        _space("inherits", _AMBIENT),
        _space("unset", _AMBIENT),
        _space("sidecars", {"istio-injection": "enabled"}),
        _space("outside", {}),
        _peer("own", "PERMISSIVE"),
        _peer("unset", "UNSET"),
        _peer("own", "DISABLE", selector={"matchLabels": {"app": "web"}}),
        _peer("sidecars", "DISABLE"),
    ]
    with_mesh = audited("".join([*spaces, _peer("istio-system", "STRICT")]))
    modes = {
        name: in_namespace(with_mesh, name)["mtls"]["mode"]
        for name in ("own", "inherits", "unset", "sidecars", "outside")
    }
    assert modes == {
        "own": "PERMISSIVE",
        "inherits": "STRICT",
        "unset": "STRICT",
        "sidecars": "DISABLE",
        "outside": "none",
    }
    assert (
        "PeerAuthentication own/some of some pods" in in_namespace(with_mesh, "own")["mtls"]["from"]
    )
    without = audited("".join(spaces))
    said = in_namespace(without, "inherits")["mtls"]
    assert (said["mode"], said["from"]) == ("PERMISSIVE", "Istio's default")


def test_disable_is_not_what_ambient_mode_does() -> None:
    found = audited(_space("app", _AMBIENT) + _peer("app", "DISABLE"))
    assert in_namespace(found, "app")["mtls"]["mode"] == "PERMISSIVE"
