"""Names that a cluster has are completed, in each shell as it is used."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.cli.commands import environment
from tests.cli.test_input_cluster import kubeconfig
from tests.programs import program
from tests.terminal import until

_THERE = {
    "/api/v1/namespaces": ["photos", "photoprism", "database"],
    "/apis/network-policy.homelab/v1alpha1/sharedresources": ["photo-store"],
    "/apis/network-policy.homelab/v1alpha1/networkprofiles": ["media"],
}
#: What is typed, and what may follow.
TYPED = {
    "watch-change photo": ["photoprism", "photos"],
    "diagnose -n photo": ["photoprism", "photos"],
    "diagnose -n photos --as profile=m": ["profile=media"],
    "diagnose -n photos --as profile=media,photo": ["profile=media,photo-store"],
    "diagnose -n photos --as drag": ["dragonfly"],
    "explain photo": ["photo-store", "photoprism", "photos"],
    "explain photos interne": ["internet"],
    "explain -n photo": ["photoprism", "photos"],
    "doctor --operator-namespace data": ["database"],
    "check platform data": ["database"],
    "scaffold platform data": ["database"],
    "recommend -n photo": ["photoprism", "photos"],
    "recommend --questions --grant photo": ["photo-store"],
    "render -n photo": ["photoprism", "photos"],
    "diff -n photo": ["photoprism", "photos"],
}


@pytest.fixture(scope="module")
def answering(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a shell: the command on PATH, and something that lists a few names."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            names = _THERE.get(self.path.partition("?")[0])
            items = [{"metadata": {"name": each}} for each in names or ()]
            body = json.dumps({"metadata": {"resourceVersion": "1"}, "items": items}).encode()
            self.send_response(404 if names is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    folder = tmp_path_factory.mktemp("shell")
    command = folder / "homelab-netpol"
    command.write_text(
        f"#!{sys.executable}\nfrom homelab_netpol.cli import complete_names\n"
        # A busy machine may take longer than anybody waits at a tab.
        "complete_names._SECONDS = 60.0\n"
        "from homelab_netpol.cli.main import main\n"
        "main(prog_name='homelab-netpol')\n",
        encoding="utf-8",
    )
    command.chmod(0o755)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        path = f"{folder}{os.pathsep}{os.environ['PATH']}"
        known = str(kubeconfig(folder, server.server_port))
        yield environment(PATH=path, KUBECONFIG=known, HOME=str(folder), TERM="dumb")
        server.shutdown()


def test_bash_completes_names(answering: dict[str, str]) -> None:
    """Bash itself takes what is typed apart, so that `=` is a word."""
    script = "source <(homelab-netpol completion bash)\n"
    for typed in TYPED:
        words = f"homelab-netpol {typed}".replace("=", " = ")
        script += (
            f"COMPREPLY=() COMP_WORDS=({words}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n"
            "_homelab_netpol_completion homelab-netpol\n"
            'echo "${COMPREPLY[@]}"\n'
        )
    answers = _said(answering, program("bash"), "-c", script).splitlines()
    for (typed, expected), answer in zip(TYPED.items(), answers, strict=True):
        before = typed.split()[-1].rpartition("=")
        missing = [each.removeprefix(f"{before[0]}{before[1]}") for each in expected]
        assert answer.split() == missing, typed


def test_fish_completes_names(answering: dict[str, str]) -> None:
    script = "homelab-netpol completion fish | source\n"
    for typed in TYPED:
        script += f"complete -C 'homelab-netpol {typed}' | sort | string join ' '\n"
    answers = _said(answering, program("fish"), "--no-config", "-c", script).splitlines()
    for (typed, expected), answer in zip(TYPED.items(), answers, strict=True):
        assert answer.split() == expected, typed


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("watch-c", "homelab-netpol watch-change "),
        ("watch-change photop", "homelab-netpol watch-change photoprism "),
        ("diagnose --as profile=m", "homelab-netpol diagnose --as profile=media "),
    ],
)
def test_zsh_completes_names_at_a_tab(typed: str, expected: str, answering: dict[str, str]) -> None:
    """Zsh completes on its command line only, so it is given a terminal and a tab."""
    shell = program("zsh")
    own, other = pty.openpty()
    with subprocess.Popen(
        [shell, "-f", "-i"], stdin=other, stdout=other, stderr=other, env=answering, close_fds=True
    ) as process:
        os.close(other)
        setup = (
            "PS1='' PS2=''; unsetopt zle_bracketed_paste; autoload -U compinit; compinit -u -D;"
            " source <(homelab-netpol completion zsh); print re''ady\n"
        )
        os.write(own, setup.encode())
        try:
            until(own, "\nready")
            # What the line is by then is printed instead of run.
            os.write(
                own,
                b"show() { print -r -- \"[$BUFFER]\"; BUFFER='' }; zle -N show;"
                b" bindkey '^X' show; print re''ady\n",
            )
            until(own, "\nready")
            os.write(own, f"homelab-netpol {typed}\t".encode())
            os.write(own, b"\x18")
            shown = until(own, "]")
        finally:
            process.kill()
            os.close(own)
    assert f"[{expected}]" in shown, shown


def _said(environment: dict[str, str], *command: str) -> str:
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=400, check=False
    )
    assert not done.stderr, done.stderr
    return done.stdout
