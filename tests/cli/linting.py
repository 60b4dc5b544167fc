"""Runs `homelab-netpol lint`; a policy with one warning."""

from __future__ import annotations

import io
from pathlib import Path

from click.testing import CliRunner, Result

from homelab_netpol.cli.main import main

PLEX = """\
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: plex, namespace: plex}
spec:
  endpointSelector: {}
  ingress:
    - fromCIDR: [192.168.1.0/24]
"""


def lint(*arguments: str | Path, stdin: str | bytes = "") -> Result:
    """Runs the command."""
    raw = stdin.encode() if isinstance(stdin, str) else stdin
    return CliRunner().invoke(main, ["lint", *map(str, arguments)], input=io.BytesIO(raw))
