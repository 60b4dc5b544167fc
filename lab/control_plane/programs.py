"""The programs of a control plane, and their flags.

The usual test binaries (`KUBEBUILDER_ASSETS`, PATH) are used where there are any, and the lab
binary for those that are missing.
"""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.control_plane.binary import Lab
from lab.control_plane.errors import LocalClusterError
from lab.free_port import free_port

# Where kubebuilder's and controller-runtime's test tools put etcd and kube-apiserver.
ASSETS_VARIABLE = "KUBEBUILDER_ASSETS"


@dataclass(frozen=True)
class Ports:
    """The ports of one control plane, all on loopback."""

    etcd: int
    etcd_peer: int
    apiserver: int


def free_ports() -> Ports:
    """Ports that are free at this moment; another process may still take one before it is used."""
    return Ports(etcd=free_port(), etcd_peer=free_port(), apiserver=free_port())


def find_program(name: str) -> str | None:
    """A stock binary: from `KUBEBUILDER_ASSETS` first, then from PATH.

    Raises:
        LocalClusterError: `KUBEBUILDER_ASSETS` names something that is not a directory.
    """
    assets = os.environ.get(ASSETS_VARIABLE)
    if assets and not Path(assets).is_dir():
        raise LocalClusterError(
            f"{ASSETS_VARIABLE} names {assets}, which is not a directory; correct or unset it"
        )
    return (shutil.which(name, path=assets) if assets else None) or shutil.which(name)


def etcd_command(lab: Lab, ports: Ports, data_dir: Path) -> list[str]:
    """The command line of etcd, without syncing to disk."""
    data = f"--data-dir={data_dir / 'etcd'}"
    stock = find_program("etcd")
    if stock is None:
        return lab.command(
            "etcd", data, f"--client-port={ports.etcd}", f"--peer-port={ports.etcd_peer}"
        )
    client, peer = f"http://127.0.0.1:{ports.etcd}", f"http://127.0.0.1:{ports.etcd_peer}"
    return [
        stock,
        data,
        "--name=lab",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=lab={peer}",
        "--unsafe-no-fsync",
        "--log-level=error",
    ]


def apiserver_command(
    lab: Lab, ports: Ports, data_dir: Path, extra: Sequence[str] = (), *, ipv6: bool = False
) -> list[str]:
    """The command line of kube-apiserver; of a flag that is given twice, the last one counts."""
    key = data_dir / "service-account.key"
    address, services = ("::1", "fd00:10::/112") if ipv6 else ("127.0.0.1", "10.0.0.0/24")
    return [
        *_start("kube-apiserver", lab),
        f"--etcd-servers=http://127.0.0.1:{ports.etcd}",
        f"--secure-port={ports.apiserver}",
        f"--bind-address={address}",
        f"--cert-dir={data_dir / 'certs'}",
        f"--token-auth-file={data_dir / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        "--service-account-issuer=https://local",
        f"--service-cluster-ip-range={services}",
        # No pod ever runs here, so no token is needed for one.
        "--disable-admission-plugins=ServiceAccount",
        "--allow-privileged=true",
        # Else it looks for a network interface to advertise, which a machine without one fails.
        f"--advertise-address={address}",
        "--endpoint-reconciler-type=none",
        *extra,
    ]


def controller_manager_command(lab: Lab, kubeconfig: Path) -> list[str]:
    """The command line of kube-controller-manager with what makes deletions come to an end."""
    return [
        *_start("kube-controller-manager", lab),
        f"--kubeconfig={kubeconfig}",
        "--controllers=namespace-controller,garbage-collector-controller,serviceaccount-controller",
        "--leader-elect=false",
        "--secure-port=0",
        # Tests delete hundreds of namespaces at once; the defaults suit a cluster that lasts.
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
        "--concurrent-namespace-syncs=20",
    ]


def validator_command(lab: Lab, kubeconfig: Path) -> list[str]:
    """The command line of Cilium's policy validator, of which there is no stock binary."""
    return lab.command("validator", f"--kubeconfig={kubeconfig}")


def _start(name: str, lab: Lab) -> list[str]:
    stock = find_program(name)
    return [stock] if stock else lab.command(name)
