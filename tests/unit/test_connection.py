"""How the operator finds the API server: by a kubeconfig, or as a Pod is told."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from kubernetes.aio.config import incluster_config

from homelab_netpol.cluster.connection import ClusterAccess
from homelab_netpol.handlers.credentials import kopf_credentials


@pytest.fixture
def service_account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The files of a Pod's service account, and no kubeconfig."""
    token, authority = tmp_path / "token", tmp_path / "ca.crt"
    token.write_text("secret")
    authority.write_text("certificate")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(authority))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.mark.usefixtures("service_account")
@pytest.mark.parametrize(
    ("host", "server"),
    [
        ("10.0.0.1", "https://10.0.0.1:443"),
        ("fd00:10::1", "https://[fd00:10::1]:443"),
    ],
)
def test_a_pod_reaches_the_api_server_by_an_address_of_either_family(
    monkeypatch: pytest.MonkeyPatch, host: str, server: str
) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    access = ClusterAccess()
    assert asyncio.run(access.configuration()).host == server
    assert asyncio.run(kopf_credentials(access)).server == server
