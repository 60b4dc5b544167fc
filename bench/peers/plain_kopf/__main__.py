"""`python -m bench.peers.plain_kopf`: runs it against the cluster that KUBECONFIG names."""

from __future__ import annotations

import argparse
import logging
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import kopf
import kubernetes
from kubernetes.dynamic import DynamicClient

from bench.peers.plain_kopf import handlers
from bench.peers.plain_kopf.reconciler import Reconciler


def main() -> None:
    """Runs until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="where /readyz answers")
    parser.add_argument("--resync-seconds", type=float, help="look at every Namespace so often")
    parser.add_argument("--prometheus-ports", default="", help="with commas; none: any port")
    given = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    # In a Pod the service account, elsewhere KUBECONFIG.
    kubernetes.config.load_config()
    configuration = kubernetes.client.Configuration.get_default_copy()
    configuration.connection_pool_maxsize = handlers.THREADS
    ports = [int(port) for port in given.prometheus_ports.split(",") if port]
    with tempfile.TemporaryDirectory() as folder:
        # The client keeps what it discovers in a file, by default one that stays there.
        client = kubernetes.client.ApiClient(configuration)
        reconciler = Reconciler(DynamicClient(client, cache_file=f"{folder}/discovery.json"), ports)
    if given.resync_seconds:
        # Kopf's own way; it costs a finalizer and a task for each Namespace.
        kopf.timer(
            "v1",
            "namespaces",
            interval=given.resync_seconds,
            initial_delay=given.resync_seconds,
        )(handlers.resync)
    _serve(given.port, reconciler)
    kopf.run(clusterwide=True, standalone=True, memo=kopf.Memo(reconciler=reconciler))


def _serve(port: int, reconciler: Reconciler) -> None:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            ready = self.path == "/readyz" and reconciler.ready
            self.send_response(200 if ready else 503)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Logs no request."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()


if __name__ == "__main__":
    main()
