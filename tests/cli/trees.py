"""Two trees of manifests for `homelab-netpol diff`, and what it says of each Namespace."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from homelab_netpol.cli.main import main

DOMAIN = "network-policy.homelab"


def namespace(name: str, *words: str) -> str:
    """A Namespace's manifest; words: `profile=standard`, `postgres`, `enforcement=disabled`."""
    labels = {
        f"{DOMAIN}/{word.partition('=')[0]}" if "=" in word else f"access.{DOMAIN}/{word}": (
            word.partition("=")[2] or "true"
        )
        for word in words
    }
    metadata = {"name": name, "labels": labels}
    return json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})


def policy(name: str, where: str, spec: dict[str, Any], kind: str = "CiliumNetworkPolicy") -> str:
    """A policy of others."""
    version = "networking.k8s.io/v1" if kind == "NetworkPolicy" else "cilium.io/v2"
    metadata = {"name": name, "namespace": where}
    return json.dumps({"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec})


def definition(kind: str, name: str, spec: dict[str, Any]) -> str:
    """A custom resource of the operator's."""
    metadata = {"name": name}
    version = f"{DOMAIN}/v1alpha1"
    return json.dumps({"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec})


class Trees:
    """Two folders that are compared."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.before, self.after = folder / "before", folder / "after"
        self.before.mkdir()
        self.after.mkdir()

    def write(self, before: list[str], after: list[str]) -> None:
        """Fills them."""
        for path, objects in ((self.before, before), (self.after, after)):
            (path / "all.yaml").write_text("\n---\n".join(objects), encoding="utf-8")

    def run(self, *options: str) -> Result:
        """Runs the command."""
        command = ["diff", str(self.before), str(self.after), *options]
        return CliRunner().invoke(main, command, catch_exceptions=False)

    def says(self, before: list[str], after: list[str], *options: str) -> dict[str, list[str]]:
        """What is said of each Namespace: its lines, with their signs."""
        self.write(before, after)
        ran = self.run(*options)
        assert ran.exit_code == 0, ran.stderr
        found: dict[str, list[str]] = {}
        names: list[str] = []
        for line in ran.stdout.splitlines():
            if line.startswith("  "):
                for name in names:
                    found[name].append(line.strip())
            elif line and not line.endswith("."):
                names = line.partition(":")[0].split(", ")
                found |= {name: [] for name in names}
        return found
