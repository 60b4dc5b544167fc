"""A Kubernetes control plane on loopback, as a context manager.

It is etcd, kube-apiserver, three controllers, and Cilium's CRDs. There is no kubelet and no
network: an operator cannot tell the difference, while a pod would never start.
"""

import secrets
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

from homelab_netpol.localcluster import crds, credentials
from homelab_netpol.localcluster.api import LocalApi
from homelab_netpol.localcluster.errors import LocalClusterError, ProcessDiedError
from homelab_netpol.localcluster.guardian import Guardian
from homelab_netpol.localcluster.lab import Lab
from homelab_netpol.localcluster.processes import Component, wait_until
from homelab_netpol.localcluster.programs import (
    Ports,
    apiserver_command,
    controller_manager_command,
    etcd_command,
    free_ports,
)

_STEP_TIMEOUT = 60.0
_START_ATTEMPTS = 3
_DEFAULT_SERVICE_ACCOUNT = "/api/v1/namespaces/default/serviceaccounts/default"


class ControlPlane:
    """A control plane that lives as long as the `with` block, and never longer than this process.

    Args:
        lab: The lab binary; found or built when not given.
        data_dir: Directory for everything; a temporary one when not given.
        keep_data: Leave the directory behind. A plane that starts on it again goes on with the
            same objects, at other ports.
        log_dir: Directory for the components' logs; inside the data directory when not given.
        kubeconfig: Where to write the kubeconfig; inside the data directory when not given.
        apiserver_flags: Further flags for kube-apiserver, e.g. those of an audit log.

    Attributes (all but `context` from the start on):
        context: The name of the kubeconfig's one context.
        kubeconfig: The kubeconfig file; its user may do everything.
        data_dir: The directory in use.
        log_dir: The directory of the logs, one file a component.
        ports: The ports in use.
        api: Plain requests to the API server, for one thread.
        etcd: The process, to be stopped, killed or started again at will.
        apiserver: The same for kube-apiserver.
        controller_manager: The same for kube-controller-manager.
        timings: Seconds from the start to each milestone.
    """

    context = credentials.CONTEXT
    kubeconfig: Path
    data_dir: Path
    log_dir: Path
    ports: Ports
    api: LocalApi
    etcd: Component
    apiserver: Component
    controller_manager: Component
    timings: dict[str, float]

    def __init__(
        self,
        *,
        lab: Lab | None = None,
        data_dir: Path | None = None,
        keep_data: bool = False,
        log_dir: Path | None = None,
        kubeconfig: Path | None = None,
        apiserver_flags: Sequence[str] = (),
    ) -> None:
        self._lab = lab
        self._wanted_data_dir = data_dir
        self._keep_data = keep_data
        self._wanted_log_dir = log_dir
        self._wanted_kubeconfig = kubeconfig
        self._apiserver_flags = tuple(apiserver_flags)
        self._token = secrets.token_urlsafe(32)
        self._guardian: Guardian | None = None
        self._components: tuple[Component, ...] = ()

    def start(self) -> None:
        """Starts everything, and returns when policies can be listed, watched and written.

        Raises:
            LocalClusterError: Something did not start; nothing is left running.
        """
        self._lab = self._lab or Lab()
        began = time.monotonic()
        try:
            self._prepare()
            for attempt in range(1, _START_ATTEMPTS + 1):
                try:
                    self._start_components(self._lab, began)
                    break
                except ProcessDiedError as error:
                    # Between our choosing a port and its use, somebody else may take it.
                    if attempt == _START_ATTEMPTS or "address already in use" not in str(error):
                        raise
                    for component in self._components:
                        component.kill()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends everything and removes the data directory, unless it is to be kept."""
        for component in reversed(self._components):
            if self._keep_data and component is self.etcd:
                component.stop()  # the only one that has something to write
            else:
                component.kill()
        if self._guardian is not None:
            self._guardian.close()

    def check(self) -> None:
        """Raises ProcessDiedError when a component has ended by itself."""
        for component in self._components:
            component.check()

    def restart_apiserver(self) -> None:
        """Kills the API server, starts it at the same address, and waits until it is ready."""
        self.apiserver.kill()
        self.apiserver.start()
        self.wait_ready()

    def wait_ready(self, timeout: float = _STEP_TIMEOUT) -> None:
        """Waits until the API server is ready, e.g. after etcd was started again.

        Raises:
            LocalClusterError: It is not ready after `timeout` seconds, or a component has ended.
        """
        wait_until(
            lambda: self.api.request("GET", "/readyz").status == 200,
            "the API server to be ready",
            timeout,
            self._components,
        )

    @property
    def server(self) -> str:
        """The API server's address."""
        return f"https://127.0.0.1:{self.ports.apiserver}"

    @property
    def group(self) -> int:
        """The process group of the components.

        A process started in it (`subprocess.Popen(..., process_group=plane.group)`) ends with the
        plane, even when this process is killed.
        """
        if self._guardian is None:
            raise LocalClusterError("the control plane has not been started: use it in a `with`")
        return self._guardian.group

    def versions(self) -> dict[str, str]:
        """What runs here, e.g. `{"kubernetes": "v1.36.3", "cilium": "v1.20.1"}`."""
        lab = self._lab or Lab()
        kubernetes = self.api.request("GET", "/version").json()["gitVersion"]
        return {"kubernetes": kubernetes, "cilium": lab.versions["cilium"]}

    def _prepare(self) -> None:
        temporary = Path(tempfile.gettempdir(), f"homelab-netpol-{secrets.token_hex(6)}")
        self.data_dir = (self._wanted_data_dir or temporary).absolute()
        tokens = self.data_dir / "tokens.csv"
        if self.data_dir.exists() and any(self.data_dir.iterdir()) and not tokens.exists():
            # It will be removed with all that is in it, so it must not be somebody's home.
            raise LocalClusterError(
                f"{self.data_dir} holds something else than the data of a control plane; "
                "name a directory that is empty or does not exist"
            )
        # Before the directory exists: there is no moment at which it could be left behind.
        self._guardian = Guardian(remove=[] if self._keep_data else [self.data_dir])
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.log_dir = self._wanted_log_dir or self.data_dir / "logs"
        self.log_dir.mkdir(parents=True, exist_ok=True)
        self.kubeconfig = self._wanted_kubeconfig or self.data_dir / "kubeconfig"
        key = self.data_dir / "service-account.key"
        if not key.exists():  # a new one would void the tokens in data that was kept
            credentials.write_private(key, credentials.ec_private_key())
        credentials.write_private(tokens, credentials.token_file(self._token))

    def _start_components(self, lab: Lab, began: float) -> None:
        self.timings = {}

        def reached(milestone: str) -> None:
            self.timings[milestone] = round(time.monotonic() - began, 2)

        def wait(done: Callable[[], bool], what: str) -> None:
            wait_until(done, what, _STEP_TIMEOUT, self._components)

        self._make_components(lab)
        with ThreadPoolExecutor(1) as pool:
            definitions = pool.submit(lambda: lab.policy_crds)
            # Together: the API server waits for etcd by itself.
            self.etcd.start()
            self.apiserver.start()
            wait(self._write_kubeconfig, "kube-apiserver to write its certificate")
            self.api = LocalApi(self.kubeconfig)
            wait(lambda: self.api.request("GET", "/livez").status != 0, "kube-apiserver to answer")
            reached("API server answers")
            # Not earlier: it gives up when the API server is not well within 10 s.
            self.controller_manager.start()
            # Long before the API server calls itself ready, it takes CRDs.
            crds.install(self.api, definitions.result(), wait)
            reached("CRDs served")
        self.wait_ready()
        reached("API server ready")
        # Nothing but the controllers makes this object: they work.
        wait(
            lambda: self.api.request("GET", _DEFAULT_SERVICE_ACCOUNT).status == 200,
            "the controllers to create the default service account",
        )
        reached("controllers at work")

    def _make_components(self, lab: Lab) -> None:
        self.ports = free_ports()
        self.etcd = self._component("etcd", etcd_command(lab, self.ports, self.data_dir))
        self.apiserver = self._component(
            "kube-apiserver",
            apiserver_command(lab, self.ports, self.data_dir, self._apiserver_flags),
        )
        self.controller_manager = self._component(
            "kube-controller-manager", controller_manager_command(lab, self.kubeconfig)
        )
        self._components = (self.etcd, self.apiserver, self.controller_manager)

    def _component(self, name: str, command: Iterable[str]) -> Component:
        return Component(name, tuple(command), self.log_dir / f"{name}.log", self.group)

    def _write_kubeconfig(self) -> bool:
        """Writes the kubeconfig, if the API server has made its certificates."""
        try:
            certificates = (self.data_dir / "certs" / "apiserver.crt").read_text()
        except FileNotFoundError:
            return False
        # Its own, then that of the CA that it made up to sign it.
        if certificates.count("-----END CERTIFICATE-----") < 2:
            return False
        text = credentials.kubeconfig(self.server, self._token, certificates)
        credentials.write_private(self.kubeconfig, text)
        return True

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()
