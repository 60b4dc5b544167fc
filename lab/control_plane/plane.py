"""A Kubernetes control plane on loopback, as a context manager.

It is etcd, kube-apiserver, three controllers, and Cilium's CRDs; on request also Istio's CRDs, and
the part of Cilium's operator that validates policies. There is no kubelet and no network: to an
operator it is like any cluster, but a pod never starts.
"""

import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

from lab.control_plane import crds, credentials
from lab.control_plane.api import LocalApi
from lab.control_plane.binary import Lab
from lab.control_plane.datadir import DataDirectory
from lab.control_plane.errors import LocalClusterError, ProcessDiedError
from lab.control_plane.guardian import Guardian
from lab.control_plane.processes import Component, wait_until
from lab.control_plane.programs import (
    Ports,
    apiserver_command,
    controller_manager_command,
    etcd_command,
    free_ports,
    validator_command,
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
        validator: Run Cilium's policy validator too, which writes `status.conditions[Valid]`.
        istio: Install Istio's CRDs too, see `Lab.istio_crds`.
        crds: Further CRDs to install at the start, e.g. `package_data.own_crds()`.
        ipv6: The API server has an address of IPv6 alone, and so have its Services.

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
        validator: The same for the validator; None if it was not asked for.
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
    validator: Component | None
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
        validator: bool = False,
        istio: bool = False,
        crds: Sequence[crds.Definition] = (),
        ipv6: bool = False,
    ) -> None:
        self._lab = lab
        self._ipv6 = ipv6
        self._keep_data = keep_data
        self._places = (data_dir, log_dir, kubeconfig)
        self._apiserver_flags = tuple(apiserver_flags)
        self._wants_validator = validator
        self._istio = istio
        self._extra_crds = tuple(crds)
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
                    # Another process may take a port between our choosing and using it.
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
        ready = "the API server to be ready"
        self._wait(lambda: self.api.request("GET", "/readyz").status == 200, ready, timeout)

    def install_crds(self, definitions: Sequence[crds.Definition]) -> None:
        """Installs CRDs, e.g. those of `Lab.istio_crds`, and waits until they are served.

        Those that exist are left as they are.

        Raises:
            LocalClusterError: The API server refuses one, or does not serve it in time.
        """
        crds.install(self.api, definitions, self._wait)

    @property
    def server(self) -> str:
        """The API server's address."""
        return f"https://{'[::1]' if self._ipv6 else '127.0.0.1'}:{self.ports.apiserver}"

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
        self._directory = DataDirectory.at(*self._places)
        self.data_dir = self._directory.path
        self.log_dir = self._directory.log_dir
        self.kubeconfig = self._directory.kubeconfig
        # Before the directory exists: there is no moment at which it could be left behind.
        self._guardian = Guardian(remove=[] if self._keep_data else [self.data_dir])
        self._directory.create(self._token)

    def _start_components(self, lab: Lab, began: float) -> None:
        self.timings = {}

        def reached(milestone: str) -> None:
            self.timings[milestone] = round(time.monotonic() - began, 2)

        self._make_components(lab)
        with ThreadPoolExecutor(1) as pool:
            definitions = pool.submit(self._definitions, lab)
            # Together: the API server waits for etcd by itself.
            self.etcd.start()
            self.apiserver.start()
            self._wait(
                lambda: self._directory.write_kubeconfig(self.server, self._token),
                "kube-apiserver to write its certificate",
            )
            self.api = LocalApi(self.kubeconfig)
            self._wait(
                lambda: self.api.request("GET", "/livez").status != 0, "kube-apiserver to answer"
            )
            reached("API server answers")
            # Long before the API server calls itself ready, it takes CRDs.
            self.install_crds(definitions.result())
            reached("CRDs served")
        self.wait_ready()
        reached("API server ready")
        # Not earlier: it gives up when the API server is not well within 10 s, which on a machine
        # with other work to do it may not be.
        self.controller_manager.start()
        # Nothing but the controllers makes this object: they work.
        self._wait(
            lambda: self.api.request("GET", _DEFAULT_SERVICE_ACCOUNT).status == 200,
            "the controllers to create the default service account",
        )
        reached("controllers at work")
        # Not earlier: when it finds no namespace kube-system, it tries again 5 s later.
        if self.validator is not None:
            self.validator.start()

    def _make_components(self, lab: Lab) -> None:
        self.ports = free_ports()
        self.etcd = self._component("etcd", etcd_command(lab, self.ports, self.data_dir))
        self.apiserver = self._component(
            "kube-apiserver",
            apiserver_command(
                lab, self.ports, self.data_dir, self._apiserver_flags, ipv6=self._ipv6
            ),
        )
        self.controller_manager = self._component(
            "kube-controller-manager", controller_manager_command(lab, self.kubeconfig)
        )
        self.validator = None
        if self._wants_validator:
            self.validator = self._component("validator", validator_command(lab, self.kubeconfig))
        always = (self.etcd, self.apiserver, self.controller_manager)
        self._components = (*always, self.validator) if self.validator else always

    def _component(self, name: str, command: Iterable[str]) -> Component:
        return Component(name, tuple(command), self.log_dir / f"{name}.log", self.group)

    def _wait(self, done: Callable[[], bool], what: str, timeout: float = _STEP_TIMEOUT) -> None:
        wait_until(done, what, timeout, self._components)

    def _definitions(self, lab: Lab) -> list[crds.Definition]:
        istio = lab.istio_crds if self._istio else []
        return [*lab.policy_crds, *istio, *self._extra_crds]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()
