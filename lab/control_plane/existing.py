"""An existing cluster, in place of a local control plane.

It is used only when the user names its kubeconfig and its context, so that no test ever runs
against the cluster that kubectl happens to point at.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from lab.control_plane import crds
from lab.control_plane.api import Answer
from lab.control_plane.binary import Lab
from lab.control_plane.errors import LocalClusterError, RefusedError
from lab.control_plane.processes import wait_until

_TIMEOUT = 30.0


class ExistingCluster:
    """A context manager with the surface of `ControlPlane`, which starts and removes nothing.

    Args:
        kubeconfig: The kubeconfig file. There is no default, on purpose.
        context: The context in it. There is no default either: the current one may be anything.
        install_crds: Create the Cilium CRDs that are missing. They stay there afterwards.
        lab: Where those CRDs come from; found or built when needed.

    Attributes:
        kubeconfig: As given.
        context: As given.
    """

    def __init__(
        self,
        kubeconfig: Path,
        context: str,
        *,
        install_crds: bool = False,
        lab: Lab | None = None,
    ) -> None:
        self.kubeconfig = kubeconfig
        self.context = context
        self._may_install = install_crds
        self._lab = lab
        self._api: ClientApi | None = None

    @property
    def api(self) -> "ClientApi":
        """Plain requests to the API server."""
        if self._api is None:
            raise LocalClusterError("the cluster has not been opened: use it in a `with`")
        return self._api

    @property
    def server(self) -> str:
        """The API server's address."""
        return self.api.server

    def start(self) -> None:
        """Checks that the cluster can be used; installs CRDs if that was asked for.

        Raises:
            RefusedError: The context does not exist, or CRDs are missing and not to be installed.
            LocalClusterError: The API server cannot be reached.
        """
        self._api = ClientApi(self.kubeconfig, self.context)
        absent = crds.missing(self._api)
        if absent and not self._may_install:
            raise RefusedError(
                f"the cluster at {self._api.server} (context {self.context} of {self.kubeconfig}) "
                f"has no {' and no '.join(absent)}: install Cilium there, or ask for "
                "its CRDs to be installed alone (install_crds)"
            )
        if absent:
            lab = self._lab or Lab()
            wanted = [crd for crd in lab.policy_crds if crd["metadata"]["name"] in absent]
            self.install_crds(wanted)

    def install_crds(self, definitions: Sequence[crds.Definition]) -> None:
        """See `ControlPlane.install_crds`. They stay there afterwards."""
        crds.install(self.api, definitions, _wait)

    def stop(self) -> None:
        """Closes the connection; the cluster stays as it is."""
        if self._api is not None:
            self._api.close()
            self._api = None

    def versions(self) -> dict[str, str]:
        """What runs there, e.g. `{"kubernetes": "v1.36.3"}`."""
        return {"kubernetes": self.api.request("GET", "/version").json()["gitVersion"]}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()


class ClientApi:
    """Requests with whatever credentials a kubeconfig asks for, e.g. a client certificate.

    Raises:
        RefusedError: The file or the context is not there, or its credentials do not work.
    """

    def __init__(self, kubeconfig: Path, context: str) -> None:
        # Here, because it takes a second, and a local control plane does without.
        from kubernetes import config

        if not kubeconfig.is_file():
            raise RefusedError(f"there is no kubeconfig {kubeconfig}")
        try:
            contexts, _ = config.list_kube_config_contexts(str(kubeconfig))
            names = [entry["name"] for entry in contexts]
            if context not in names:
                raise RefusedError(
                    f"{kubeconfig} has no context {context!r}; it has: {', '.join(names)}"
                )
            # persist_config would write refreshed tokens back into the user's file.
            self._client = config.new_client_from_config(
                str(kubeconfig), context, persist_config=False
            )
        except config.ConfigException as error:
            raise RefusedError(f"{kubeconfig}, context {context!r}: {error}") from error
        self.server = str(self._client.configuration.host)

    def request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        """See `Api.request`."""
        return self._call(method, path, body, lambda response: response.read().decode())

    def watch_status(self, path: str) -> int:
        """See `Api.watch_status`."""
        return self._call("GET", f"{path}?watch=true&timeoutSeconds=5", None, lambda _: "").status

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        read: Callable[[Any], str],
    ) -> Answer:
        from urllib3.exceptions import HTTPError

        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        request = self._client.param_serialize(
            method, path, header_params=headers, body=body, auth_settings=["BearerToken"]
        )
        try:
            response = self._client.call_api(*request, _request_timeout=_TIMEOUT)
            try:
                return Answer(int(response.status), read(response))
            finally:
                response.response.close()
        except (HTTPError, OSError) as error:
            return Answer(0, f"{self.server}: {error}")


def _wait(done: Callable[[], bool], what: str) -> None:
    wait_until(done, what, _TIMEOUT)
