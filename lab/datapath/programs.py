"""Cilium's agent, its CNI plugin and its eBPF sources, built once into the user's cache."""

import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from lab.control_plane.go_command import module_directory
from lab.control_plane.go_programs import go_programs
from lab.control_plane.golang import Go

_MODULE = Path(__file__).with_name("go")
_CILIUM = "github.com/cilium/cilium"
# An agent begins when all of these are served, those of what is switched off included.
_CRDS = (
    *("v2/ciliumcidrgroups", "v2/ciliumclusterwidenetworkpolicies", "v2/ciliumendpoints"),
    *("v2/ciliumidentities", "v2/ciliumloadbalancerippools", "v2/ciliumnetworkpolicies"),
    *("v2/ciliumnodes", "v2alpha1/ciliuml2announcementpolicies", "v2alpha1/ciliumpodippools"),
)
_CRD_FOLDER = "pkg/k8s/apis/cilium.io/client/crds"


@dataclass(frozen=True)
class Programs:
    """What a node runs.

    Attributes:
        agent: cilium-agent.
        cni: The plugin that gives a pod its network.
        bpf: The folder of the eBPF sources, which the agent compiles.
        crd_files: The definitions of the kinds that an agent waits for.
    """

    agent: Path
    cni: Path
    bpf: Path
    crd_files: Path

    @cached_property
    def crds(self) -> list[dict[str, Any]]:
        """The definitions of the kinds that an agent waits for, as Cilium ships them."""
        files = sorted(self.crd_files.glob("*.yaml"))
        return [yaml.safe_load(file.read_text(encoding="utf-8")) for file in files]


def datapath_programs() -> Programs:
    """The programs, from the cache or built now, which takes minutes the first time.

    Raises:
        BuildError: With the end of the compiler's output, or with what is missing.
    """
    folder = go_programs(_MODULE, "datapath", "Cilium's agent", _add_sources)
    return Programs(folder / "daemon", folder / "cilium-cni", folder / "bpf", folder / "crds")


def _add_sources(go: Go, folder: Path) -> None:
    cilium = module_directory(_MODULE, _CILIUM, go)
    (folder / "crds").mkdir()
    for name in _CRDS:
        source = cilium / _CRD_FOLDER / f"{name}.yaml"
        shutil.copyfile(source, folder / "crds" / source.name)
    # Their own tests are a third of them. Go's cache is read-only, and copies would be as well.
    shutil.copytree(
        cilium / "bpf",
        folder / "bpf",
        ignore=shutil.ignore_patterns("tests", "complexity-tests"),
        copy_function=shutil.copyfile,
    )
    for path in (folder / "bpf").rglob("*"):
        if path.is_dir():
            path.chmod(0o755)
