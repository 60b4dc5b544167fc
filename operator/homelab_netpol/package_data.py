"""Files that come with the package beside its code: the templates, and the CRDs."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

import yaml


class InstallationBroken(Exception):
    """A file that comes with the package is missing. The message says which, and what to do."""


def data_folder(folder: str) -> Path:
    """Where a folder is: inside an installed package, or at the top of a checkout.

    Raises:
        InstallationBroken: it is in neither.
    """
    package = Path(str(resources.files("homelab_netpol")))
    for candidate in (package / folder, package.parents[1] / folder):
        if candidate.is_dir():
            return candidate
    raise InstallationBroken(f"the folder {folder} is missing from {package}; install it again")


def own_crds() -> list[dict[str, Any]]:
    """The CustomResourceDefinitions of NetworkProfile and SharedResource.

    Raises:
        InstallationBroken: they are missing.
    """
    paths = sorted(data_folder("crds").glob("*.yaml"))
    manifests = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in paths]
    return [each for each in manifests if each["kind"] == "CustomResourceDefinition"]
