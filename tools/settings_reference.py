"""The page docs/settings.md: every setting with its default and its meaning.

    python -m tools.settings_reference > docs/settings.md

Made from the settings model.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from homelab_netpol.settings import Companion, GatewayPeer, Peer, Scraper
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


_PEER_HEAD = """
## A peer

Wherever the settings name somebody, they take a list of peers, each of exactly one kind:

```yaml
gateways:
  internal:
    - {namespace: network, podLabels: {app.kubernetes.io/name: envoy, gateway: internal}}
    - {entities: [ingress]}                       # Cilium's own gateways and Ingresses
  external:
    - {namespace: tunnel, podLabels: {app: cloudflared}}
dns:
  servers:
    - {namespace: kube-system, podLabels: {k8s-app: kube-dns}}
    - {cidrs: [169.254.20.10/32]}                 # NodeLocal DNS, which Cilium knows by its address
    - {entities: [host]}                          # or by its node
scrapers:
  - {namespace: observability, podLabels: {app.kubernetes.io/name: vmagent}}
  - {namespace: observability, podLabels: {app: prober}, ports: [80, 443, 8080]}
probes:
  - {entities: [health]}
  - {cidrs: [169.254.0.0/16, "fd16:9254:7127:1337:ffff::/80"]}
```

Fields of one:

| Field | Default | Meaning |
|---|---|---|
"""
_COMPANION_HEAD = """
## A companion

`companions` maps a name of your own to pods that belong together across namespaces: the pods of
every governed Namespace that have some labels, and who reaches them, or whom they reach. Both sides
are written, as `baseline-companion-NAME`; in the mesh the tunnel between them as well. With
`mesh.authorizationPolicies` Istio admits `from` peers by their namespaces, and refuses the callers
of `to` peers in a governed meshed Namespace: admit them there by a policy of your own.

```yaml
companions:
  databases:            # CloudNativePG's operator asks its instances, wherever they are
    pods: {matchExpressions: [{key: cnpg.io/cluster, operator: Exists}]}
    from: [{namespace: cnpg-system, podLabels: {app.kubernetes.io/name: cloudnative-pg}}]
    ports: [{port: 8000}]
  backups:              # backup movers in the apps' Namespaces, and their store
    pods: {matchLabels: {app.kubernetes.io/created-by: volsync}}
    to: [{namespace: garage, podLabels: {app: garage}}]
    ports: [{port: 3900}]
```

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
    peer, gateway, scraper = _fields(Peer), _fields(GatewayPeer), _fields(Scraper)
    more = [
        row.replace("| `", f"| {whose} `", 1)
        for whose, own in (("of a gateway", gateway), ("of a scraper", scraper))
        for row in own
        if row not in peer
    ]
    return "".join(
        [
            *(_HEAD, *rows, _PEER_HEAD, *peer, *more),
            *(_COMPANION_HEAD, *_fields(Companion)),
            *(_RESOURCE_HEAD.replace("{builtin}", builtin), *fields),
        ]
    )


def _fields(model: type[BaseModel]) -> list[str]:
    """The rows of a model of which there is no default."""
    rows = []
    for name, field in model.model_fields.items():
        shown = "required" if field.is_required() else ""
        rows.append(f"| `{field.alias or name}` | {shown} | {field.description} |\n")
    return rows


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
    text = value if isinstance(value, str) else json.dumps(_said(value))
    return "`" + text.replace("|", "\\|") + "`"


def _said(value: Any) -> Any:
    """A value without what its fields leave unsaid."""
    if isinstance(value, list):
        return [_said(each) for each in value]
    if isinstance(value, dict):
        unsaid: tuple[Any, ...] = (None, [], {})
        return {key: _said(each) for key, each in value.items() if each not in unsaid}
    return value


if __name__ == "__main__":
    print(reference(), end="")
