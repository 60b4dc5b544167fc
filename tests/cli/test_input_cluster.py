"""A cluster that is not there, or is none, is said to be."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from homelab_netpol.cli.main import main
from tests.cli.commands import CONTROLS, run

ANSWERS = {
    "web page": (200, b"<html>Log in</html>"),
    "array": (200, b"[]"),
    "empty object": (200, b"{}"),
    "not a list": (200, b'{"metadata": {"resourceVersion": "1"}, "items": 3}'),
    "odd items": (200, b'{"metadata": {"resourceVersion": "1"}, "items": [3, null]}'),
    "unnamed items": (200, b'{"metadata": {"resourceVersion": "1"}, "items": [{}]}'),
    "server error": (500, b"\x1b[31mboom"),
    "no rights": (403, b"{}"),
    "unknown user": (401, b"Unauthorized"),
}


@pytest.fixture(params=ANSWERS)
def answering(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A kubeconfig of something that is no API server, and always gives the same answer."""
    status, body = ANSWERS[request.param]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield kubeconfig(tmp_path, server.server_port)
        server.shutdown()


def kubeconfig(folder: Path, port: int) -> Path:
    """A kubeconfig without credentials."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "it",
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        "clusters": [{"name": "it", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "it", "user": {}}],
    }
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


def test_what_is_no_api_server_is_said_to_be_unreadable(answering: Path) -> None:
    result = CliRunner().invoke(main, ["render", "--kubeconfig", str(answering)])
    assert isinstance(result.exception, SystemExit)
    assert result.exit_code == 3, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert not CONTROLS.search(result.stderr)


def test_a_cluster_that_is_not_there_is_said_to_be(tmp_path: Path) -> None:
    result = run("render", "--kubeconfig", str(kubeconfig(tmp_path, 1)))
    assert (result.returncode, result.stdout) == (3, "")
    assert "Cannot connect to host 127.0.0.1:1" in result.stderr
    nothing = run("render")
    assert (nothing.returncode, nothing.stdout) == (3, "")
    assert "no kubeconfig was found" in nothing.stderr
    odd = tmp_path / "odd"
    for text in ("", "7", "[", "clusters: 3\n", "a: \x1b[31m\n"):
        odd.write_text(text, encoding="utf-8")
        said = CliRunner().invoke(main, ["render", "--kubeconfig", str(odd)])
        assert (said.exit_code, said.stdout) == (3, ""), said.exception
        assert f"Error: cannot read how to reach the API server from {odd}" in said.stderr
        assert not CONTROLS.search(said.stderr)
