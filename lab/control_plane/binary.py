"""The lab binary: where it is, which versions are in it, and the CRDs that it carries.

Its source is in lab/go, whose README lists its subcommands.
"""

import json
import os
import subprocess
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from lab.control_plane.build import lab_binary
from lab.control_plane.errors import LocalClusterError

# Names a binary to use instead of building one, e.g. the artefact of an earlier CI job.
BINARY_VARIABLE = "HOMELAB_NETPOL_LAB"


class Lab:
    """The lab binary, built at the first use on a machine.

    Args:
        binary: A binary to use; otherwise `HOMELAB_NETPOL_LAB` or a build of the sources.

    Raises:
        BuildError: It had to be built, and could not be.
        LocalClusterError: The binary named in `HOMELAB_NETPOL_LAB` is not there.
    """

    def __init__(self, binary: Path | None = None) -> None:
        configured = os.environ.get(BINARY_VARIABLE)
        if binary is None and configured:
            binary = Path(configured)
            if not os.access(binary, os.X_OK):
                raise LocalClusterError(
                    f"{BINARY_VARIABLE} names {binary}, which is not an executable file; "
                    "correct it, or unset it to have the binary built"
                )
        self.binary = binary or lab_binary()

    def command(self, *arguments: str) -> list[str]:
        """The command line that runs one of the binary's subcommands."""
        return [str(self.binary), *arguments]

    @cached_property
    def versions(self) -> dict[str, str]:
        """What is inside, e.g. `{"kubernetes": "v1.36.3", "etcd": ..., "cilium": ..., ...}`."""
        versions = self._output("version")
        return {str(name): str(version) for name, version in versions.items()}

    @cached_property
    def policy_crds(self) -> list[dict[str, Any]]:
        """Cilium's CRDs for the two kinds that the operator writes."""
        return list(self._output("crds"))

    @cached_property
    def istio_crds(self) -> list[dict[str, Any]]:
        """Istio's CRDs AuthorizationPolicy and PeerAuthentication, as Istio ships them."""
        return list(self._output("crds", "--istio"))

    @cached_property
    def network_policy_api_crds(self) -> list[dict[str, Any]]:
        """The CRD of Kubernetes' ClusterNetworkPolicy, as its own project ships it."""
        return list(self._output("crds", "--network-policy-api"))

    def _output(self, *arguments: str) -> Any:
        command: Sequence[str] = self.command(*arguments)
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise LocalClusterError(
                f"{' '.join(command)} failed with status {result.returncode}: {result.stderr}"
            )
        return json.loads(result.stdout)
