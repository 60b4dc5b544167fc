"""What the chart shares with the rest of the repository, copied into it.

Helm reads nothing outside of a chart's folder, and what is written twice by hand drifts apart. So
charts/homelab-netpol/files has copies of manifests, which the chart's templates only put into the
release's namespace, and values.schema.json has the operator's own schema of its settings. After a
change of manifests/, crds/ or the settings:

    python -m tests.tools.chart_files
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from homelab_netpol.settings import Settings

_ROOT = Path(__file__).resolve().parents[2]
_CHART = _ROOT / "charts" / "homelab-netpol"
_TARGET = _CHART / "files"
_SCHEMA = _CHART / "values.schema.json"
# Of the base, what no value changes beyond the namespace; the rest are templates of their own.
_BASE = ("rbac.yaml", "service.yaml", "poddisruptionbudget.yaml")
_COMPONENTS = ("admission", "audit", "internet-only", "mesh", "monitoring")


def shared_files() -> dict[Path, Path]:
    """Where each copy is, and what it is a copy of."""
    manifests = _ROOT / "manifests"
    shared = {_TARGET / "base" / name: manifests / "base" / name for name in _BASE}
    folders = {"crds": _ROOT / "crds"}
    folders |= {name: manifests / "components" / name for name in _COMPONENTS}
    for name, folder in folders.items():
        shared |= {_TARGET / name / listed.name: listed for listed in _listed(folder)}
    return shared


def differences() -> list[str]:
    """The chart's files that are missing, not as their originals are, or have none any more."""
    shared = shared_files()
    wrong = {copy for copy, original in shared.items() if not _same(copy, original)}
    wrong |= {path for path in _TARGET.rglob("*") if path.is_file() and path not in shared}
    if _SCHEMA.read_text() != _with_settings(_SCHEMA.read_text()):
        wrong.add(_SCHEMA)
    return sorted(str(path.relative_to(_ROOT)) for path in wrong)


def copy_files() -> None:
    """Makes the copies anew."""
    shutil.rmtree(_TARGET, ignore_errors=True)
    for copy, original in shared_files().items():
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(original, copy)
    _SCHEMA.write_text(_with_settings(_SCHEMA.read_text()))


def _listed(folder: Path) -> Iterator[Path]:
    """The files that a kustomization names: objects, and what its ConfigMaps are made from."""
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    names = list(kustomization.get("resources", ()))
    for generator in kustomization.get("configMapGenerator", ()):
        # `key=file` gives the file another key.
        names += (name.rpartition("=")[2] for name in generator.get("files", ()))
    return (folder / name for name in names)


def _with_settings(text: str) -> str:
    """The chart's schema, with that of the settings as it is now."""
    schema = json.loads(text)
    settings = Settings.model_json_schema(by_alias=True)
    # Helm's schema may refer to its own root only.
    schema["$defs"] = _plain(settings.pop("$defs"))
    schema["properties"]["settings"] = _plain(settings)
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _plain(schema: Any) -> Any:
    """Without the titles that pydantic makes of names, and defaults, which are the operator's."""
    if isinstance(schema, list):
        return [_plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: _plain(each) for key, each in schema.items() if key != "properties"}
    for key in ("title", "default"):
        plain.pop(key, None)
    if "properties" in schema:
        plain["properties"] = {name: _plain(each) for name, each in schema["properties"].items()}
    return plain


def _same(copy: Path, original: Path) -> bool:
    return copy.is_file() and copy.read_bytes() == original.read_bytes()


if __name__ == "__main__":
    copy_files()
