"""No damage to what the audit is given is shown as a stack trace."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random
from typing import Any

import yaml
from click.testing import CliRunner

from homelab_netpol.cli.main import main
from tests.audit.test_namespaces import HOME
from tests.dice import seeded

_GROUP = "rbac.authorization.k8s.io"
# What a value is replaced by.
_ODD: tuple[Any, ...] = (
    *(None, True, 0, -1, 7.5, "", "x", "[red]x[/]", "\x1b[31m", "*", "a" * 300),
    *([], {}, [None], [[]], [{}], {"": ""}, {"a": {"b": []}}, ["x"], "2026-01-01"),
)


def _objects() -> list[Any]:
    """A home, with roles, a mesh and Cilium's configuration."""
    rule = {"apiGroups": ["", "cilium.io"], "resources": ["*"], "verbs": ["patch"]}
    peer = {"selector": {"matchLabels": {"app": "web"}}, "mtls": {"mode": "STRICT"}}
    mesh = {"name": "photos", "labels": {"istio.io/dataplane-mode": "ambient"}}
    more = [
        _made(f"{_GROUP}/v1", "ClusterRole", "edit", rules=[rule]),
        _made(
            f"{_GROUP}/v1",
            "RoleBinding",
            "editors",
            namespace="games",
            roleRef={"apiGroup": _GROUP, "kind": "ClusterRole", "name": "edit"},
            subjects=[{"kind": "Group", "name": "family"}],
        ),
        _made("security.istio.io/v1", "PeerAuthentication", "web", namespace="photos", spec=peer),
        _made(
            "v1",
            "ConfigMap",
            "cilium-config",
            namespace="kube-system",
            data={"bpf-policy-map-max": "16384", "enable-policy": "default"},
        ),
    ]
    home = [each for each in yaml.safe_load_all(HOME) if each]
    home[0]["metadata"] = {**home[0]["metadata"], **mesh}
    return [*home, *more]


def _made(version: str, kind: str, name: str, *, namespace: str = "", **rest: Any) -> Any:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **rest}


def _damage(dice: Random, value: Any) -> None:
    """Replaces something, somewhere deep in it."""
    while True:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        key = dice.choice(keys)
        child = value[key]
        if isinstance(child, dict | list) and child and dice.random() < 0.8:
            value = child
            continue
        value[key] = dice.choice(_ODD)
        return


def test_no_damage_to_an_object_ends_in_a_stack_trace(tmp_path: Path) -> None:
    dice = seeded(os.environ.get("INPUT_SEED", "audit"))
    path = tmp_path / "home.yaml"
    read = 0
    for _ in range(int(os.environ.get("INPUT_COUNT", "100"))):
        documents = _objects()
        for _ in range(dice.randint(1, 3)):
            _damage(dice, dice.choice(documents))
        path.write_text(yaml.safe_dump_all(documents))
        output = dice.choice(("table", "markdown", "json", "junit", "html"))
        done = CliRunner().invoke(main, ["audit", "-f", str(path), "-o", output])
        said = f"{done.output}\n{path.read_text()}"
        assert done.exception is None or isinstance(done.exception, SystemExit), said
        assert done.exit_code in (0, 1, 2), said
        assert "\x1b" not in done.stdout, said
        read += done.exit_code != 2
    assert read > 10
