"""A real Prometheus, a real Alertmanager, and somebody who receives its alerts. On loopback."""

from __future__ import annotations

import contextlib
import http.server
import json
import subprocess
import threading
import urllib.error
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from lab.free_port import free_port
from lab.loopback import read_page
from tests.cluster.kube import eventually
from tests.programs import program

Json = dict[str, Any]


class Server:
    """A program that serves a page that says when it is ready.

    Attributes:
        url: where it answers.
    """

    def __init__(self, executable: str, *options: str, log: Path) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        address = self.url.removeprefix("http://")
        self._command = [executable, *options, f"--web.listen-address={address}"]
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it, and waits until it is ready."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        eventually(self._ready, f"{self._command[0]} to be ready; see {self._log}")

    def stop(self) -> None:
        """Ends it, and waits for that."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def get(self, path: str, **query: str) -> Json:
        """Reads a page of JSON.

        Raises:
            AssertionError: it does not answer, or not with success; says what it said.
        """
        url = f"{self.url}{path}?{urllib.parse.urlencode(query)}"
        try:
            found: Json = json.loads(read_page(url, timeout=10))
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{url}: {error.read().decode()}") from None
        except OSError as error:
            raise AssertionError(f"{url}: {error}") from None
        return found

    def _ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text(errors="replace")[-2000:]
        try:
            read_page(self.url + "/-/ready", timeout=5)
        except OSError:
            return False
        return True


class Prometheus(Server):
    """Prometheus, whose data outlives its restarts."""

    def __init__(self, folder: Path, config: Json) -> None:
        executable = program("prometheus")
        file = folder / "prometheus.yaml"
        file.write_text(yaml.safe_dump(config), encoding="utf-8")
        data = folder / "data"
        options = (f"--config.file={file}", f"--storage.tsdb.path={data}")
        super().__init__(executable, *options, log=folder / "prometheus.log")

    def query(self, expression: str) -> list[Json]:
        """The series that an expression gives now."""
        found: list[Json] = self.get("/api/v1/query", query=expression)["data"]["result"]
        return found

    def series(self) -> dict[str, set[str]]:
        """The name of each metric that was ever seen, with all labels that it was seen with."""
        labels: dict[str, set[str]] = {}
        for each in self.get("/api/v1/series", **{"match[]": '{__name__!=""}'})["data"]:
            labels.setdefault(each["__name__"], set()).update(each)
        return labels

    def targets(self) -> list[Json]:
        """What is scraped, and how that goes."""
        found: list[Json] = self.get("/api/v1/targets")["data"]["activeTargets"]
        return found

    def firing(self) -> dict[str, list[Json]]:
        """The labels of the alerts that fire, by name."""
        names: dict[str, list[Json]] = {}
        for alert in self.get("/api/v1/alerts")["data"]["alerts"]:
            if alert["state"] == "firing":
                names.setdefault(alert["labels"]["alertname"], []).append(alert["labels"])
        return names


class Receiver:
    """Takes what Alertmanager sends to a webhook.

    Attributes:
        url: where to send it.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._alerts: list[Json] = []

    def take(self, body: Json) -> None:
        """Takes one notification."""
        self._alerts += body["alerts"]

    def received(self, name: str, status: str, **labels: str) -> list[Json]:
        """The alerts of a name and status, `firing` or `resolved`, with these labels."""
        return [
            alert
            for alert in self._alerts
            if alert["labels"]["alertname"] == name
            and alert["status"] == status
            and labels.items() <= alert["labels"].items()
        ]


@contextlib.contextmanager
def receiver() -> Iterator[Receiver]:
    """Listens for notifications as long as the block lasts."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Takes a notification."""
            taken.take(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        taken = Receiver(f"http://127.0.0.1:{server.server_address[1]}/")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield taken
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def alertmanager(folder: Path, webhook: str) -> Iterator[Server]:
    """Alertmanager, which sends each alert to a webhook at once, and its end too."""
    executable = program("prometheus-alertmanager")
    route = {"receiver": "webhook", "group_by": ["..."], "group_wait": "0s", "group_interval": "1s"}
    hooks = [{"url": webhook, "send_resolved": True}]
    config = {"route": route, "receivers": [{"name": "webhook", "webhook_configs": hooks}]}
    file = folder / "alertmanager.yaml"
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    options = (
        f"--config.file={file}",
        f"--storage.path={folder / 'alertmanager'}",
        "--cluster.listen-address=",
    )
    server = Server(executable, *options, log=folder / "alertmanager.log")
    server.start()
    try:
        yield server
    finally:
        server.stop()
