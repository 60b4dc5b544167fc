"""The page docs/settings.md: every setting with its default and its meaning.

    python -m tools.settings_reference > docs/settings.md

Made from the settings model.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from homelab_netpol.settings.model import Settings
from homelab_netpol.settings.shared_resource import Port, SharedResource

_HEAD = """# Settings

A YAML file, given to `homelab-netpol run --config FILE`, or a folder, of which all `*.yaml` are
joined: so a component brings its settings in a file of its own. Everything is optional; the
defaults are the vocabulary's own tables. Two files with different values for one setting are an
error, and so is a key that is not listed here: the operator then does not start, and names the path
and what was expected. This page is generated:
`python -m tools.settings_reference > docs/settings.md`.

| Setting | Default | Meaning |
|---|---|---|
"""

_RESOURCE_HEAD = """
## A shared resource

`sharedResources` maps the suffix of an access label to what it grants. To add one, or to move a
built-in one:

```yaml
sharedResources:
  ldap:
    namespace: auth
    podLabels: {app.kubernetes.io/name: lldap}
    ports: [{port: 636}, {port: 3890}]
  dragonfly:            # in this cluster, beside the database
    namespace: database
    ports: [{port: 6379}]
  databases:            # one for each app: access.network-policy.homelab/databases: sonarr
    namespace: database
    podLabels: {cnpg.io/podRole: instance}
    valueLabel: cnpg.io/cluster
    ports: [{port: 5432}]
  lan:                  # but for the part of it with the cameras
    cidrSets: [{cidr: 192.168.0.0/16, except: [192.168.66.0/24]}]
    ports: [{port: 443}]
  stripe:               # an API outside, for some namespaces only
    fqdns: [{matchName: api.stripe.com}]
    ports: [{port: 443}]
    allowFrom:
      matchLabels: {team: shop}
```

The built-in ones:

| Label suffix | Namespace or entities | Ports |
|---|---|---|
{builtin}
Fields of one:

| Field | Default | Meaning |
|---|---|---|
"""


def reference() -> str:
    """Renders the page, in Markdown."""
    rows = _rows(Settings(), "")
    # Not a valid resource, only its defaults: a namespace or entities must be given.
    resource = SharedResource.model_construct(ports=())
    fields = _rows(resource, "", frozenset({"ports"}))
    builtin = "".join(
        f"| `{name}` | {_offered_by(resource)} | {', '.join(map(_port, resource.ports))} |\n"
        for name, resource in Settings().shared_resources.items()
    )
    return _HEAD + "".join(rows) + _RESOURCE_HEAD.replace("{builtin}", builtin) + "".join(fields)


def _offered_by(resource: SharedResource) -> str:
    if resource.namespace is not None:
        return f"namespace `{resource.namespace}`"
    return ", ".join(f"entity `{entity}`" for entity in resource.entities)


def _port(port: Port) -> str:
    return f"{port.protocol} {port.port}"


def _rows(model: BaseModel, prefix: str, required: frozenset[str] = frozenset()) -> Iterator[str]:
    defaults = model.model_dump(mode="json", by_alias=True)
    for name, field in type(model).model_fields.items():
        path = f"{prefix}{field.alias or name}"
        value = getattr(model, name)
        if isinstance(value, BaseModel) and not prefix.count("."):
            yield f"| `{path}` | | {field.description} |\n"
            yield from _rows(value, f"{path}.")
            continue
        shown = "required" if name in required else _default(defaults[field.alias or name])
        yield f"| `{path}` | {shown} | {field.description} |\n"


def _default(value: Any) -> str:
    if value is None or value in ({}, []):
        return ""
    if isinstance(value, dict) and len(value) > 3:
        return ", ".join(f"`{key}`" for key in value)
    text = value if isinstance(value, str) else json.dumps(value)
    return "`" + text.replace("|", "\\|") + "`"


if __name__ == "__main__":
    print(reference(), end="")
