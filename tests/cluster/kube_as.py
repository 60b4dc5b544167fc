"""The same requests with headers of their own: as another user, or for what kubectl would print."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.cluster.kube import DEADLINE_SECONDS, Kube


class KubeWith(Kube):
    """Requests that all carry some more headers.

    Args:
        kubeconfig: the kubeconfig file.
        context: a context of it.
        headers: to send with every request.
    """

    def __init__(self, kubeconfig: Path, context: str, headers: Mapping[str, str]) -> None:
        super().__init__(kubeconfig, context)
        for name, value in headers.items():
            self._client.set_default_header(name, value)

    def warnings(self, method: str, path: str, body: Any = None) -> list[str]:
        """Sends a request that must succeed; returns what kubectl would print as warnings."""
        kind = {"Content-Type": "application/json"}
        request = self._client.param_serialize(
            method, path, header_params=kind, body=body, auth_settings=["BearerToken"]
        )
        response = self._client.call_api(*request, _request_timeout=DEADLINE_SECONDS)
        assert 200 <= response.status < 300, response.read()
        return list(response.getheaders().getlist("Warning"))


def printed(kubeconfig: Path, context: str) -> KubeWith:
    """Is answered with tables, as kubectl is, for the columns that it prints."""
    return KubeWith(kubeconfig, context, {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"})


def as_user(kubeconfig: Path, context: str, user: str, group: str | None = None) -> KubeWith:
    """Acts as another user, who is in one group more at the most; RBAC and admission see that one.

    The kubeconfig's own user must be allowed to impersonate.
    """
    headers = {"Impersonate-User": user} | ({"Impersonate-Group": group} if group else {})
    return KubeWith(kubeconfig, context, headers)
