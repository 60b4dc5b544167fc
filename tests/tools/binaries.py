"""The programs that the go.mod files here name, from the user's cache."""

from __future__ import annotations

import functools
from pathlib import Path

from lab.control_plane.go_programs import go_programs

# Which file names which programs: what Hubble needs of Kubernetes is not what Helm needs.
PROGRAMS = {
    "programs": ("actionlint", "helm", "kubeconform", "kustomize"),
    "hubble": ("hubble",),
}


@functools.cache
def tool(name: str) -> Path:
    """A program, e.g. `helm`, from the cache or built now, which takes minutes the first time.

    Raises:
        BuildError: with the end of the compiler's output, or with what is missing.
        LookupError: no go.mod names such a program.
    """
    for module, names in PROGRAMS.items():
        if name in names:
            folder = Path(__file__).with_name(module)
            return go_programs(folder, f"test-tools/{module}", ", ".join(names)) / name
    known = ", ".join(sorted(name for names in PROGRAMS.values() for name in names))
    raise LookupError(f"there is no program {name}, only {known}")
