"""The version, wherever it is written, and what the changelog says of it.

    python3 -m tests.image.release check 0.2.0     every file says 0.2.0, and the changelog knows it
    python3 -m tests.image.release notes 0.2.0     the changelog's section of it

Run by the release workflow too, so it needs nothing but Python.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Where the version is written, and how its line looks there.
_PLACES = {
    "operator/homelab_netpol/__init__.py": r'__version__ = "(.+)"',
    "charts/homelab-netpol/Chart.yaml": r"(?:version|appVersion): \"?([^\"\n]+)\"?",
    "manifests/base/kustomization.yaml": r"    newTag: \"?([^\"\n]+)\"?",
    "manifests/examples/argocd/from-chart.yaml": r" +targetRevision: (.+)",
    "manifests/examples/argocd/from-git.yaml": r" +targetRevision: v(.+)",
    "manifests/examples/flux/from-chart.yaml": r" +tag: (.+)",
    "manifests/examples/flux/from-git.yaml": r" +tag: v(.+)",
    "docs/image.md": r".*ghcr\.io/homelab-netpol/homelab-netpol:([\d.]+).*",
    "docs/install.md": r".*(?:newTag:|--version) ([\d.]+).*",
    "docs/uninstall.md": r".*ghcr\.io/homelab-netpol/homelab-netpol:([\d.]+).*",
}


class NotReady(Exception):
    """A release cannot be made of this; says what is missing where."""


def versions(root: Path = ROOT) -> dict[str, list[str]]:
    """What each file that names the version says, by path; the chart says it twice."""
    return {
        place: re.findall(rf"^{pattern}$", (root / place).read_text("utf-8"), re.MULTILINE)
        for place, pattern in _PLACES.items()
    }


def check(version: str, root: Path = ROOT) -> None:
    """Looks whether everything is ready for a release.

    Raises:
        NotReady: a file says something else, or nothing.
    """
    wrong = [
        f"{place} says {', '.join(said) or 'nothing'}, not {version}"
        for place, said in versions(root).items()
        if set(said) != {version}
    ]
    if wrong:
        raise NotReady("; ".join(wrong))
    notes(version, root)


def notes(version: str, root: Path = ROOT) -> str:
    """The changelog's section of a version, without its heading.

    Raises:
        NotReady: there is none, or nothing is in it.
    """
    changelog = (root / "CHANGELOG.md").read_text("utf-8")
    heading = rf"^## \[{re.escape(version)}\][^\n]*$"
    found = re.search(rf"{heading}(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    if found is None or not found[1].strip():
        raise NotReady(f"CHANGELOG.md has no section [{version}] that says anything")
    return found[1].strip() + "\n"


def main(arguments: list[str]) -> int:
    """Runs a command; returns the exit status."""
    commands = {"check": check, "notes": notes}
    if len(arguments) != 2 or arguments[0] not in commands:
        sys.stderr.write(__doc__ or "")
        return 2
    try:
        sys.stdout.write(commands[arguments[0]](arguments[1]) or "")
    except NotReady as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
