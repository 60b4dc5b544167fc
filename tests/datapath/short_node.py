"""A process that starts a node with a pod, says so, and ends as it is told to.

python -m tests.datapath.short_node KUBECONFIG returns|raises|stays
"""

from __future__ import annotations

import json
import secrets
import sys
import time
from pathlib import Path

from lab.datapath.datapath import Datapath
from tests.cluster.kube import Kube


def main(kubeconfig: Path, end: str) -> None:
    """Starts it; prints one line about it when it is up."""
    kube = Kube(kubeconfig, "homelab-netpol-local")
    name = f"short-{secrets.token_hex(4)}"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    kube.create("/api/v1/namespaces", body)
    with Datapath(kubeconfig) as datapath:
        datapath.pods.create(name, "pod", {})
        node = datapath.node
        told = {"pid": node.pid, "cgroup": str(node.cgroup), "folder": str(node.folder)}
        print(json.dumps(told), flush=True)
        # Until it is told to go on; or it is ended before.
        sys.stdin.readline()
        if end == "raises":
            raise RuntimeError("a test that fails")
        while end == "stays":
            time.sleep(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
