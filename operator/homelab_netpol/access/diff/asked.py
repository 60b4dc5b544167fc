"""How what a Namespace's labels ask for changes, in words. Pure."""

from __future__ import annotations

from homelab_netpol.intent import WHOLE, Intent, port_ranges_text


def asked_words(before: Intent | None, after: Intent | None) -> tuple[str, ...]:
    """What its labels ask for now, and did not; or no longer do.

    Args:
        before: what they asked for; None: there was no such Namespace.
        after: what they ask for now; None: there is none any more.
    """
    if before == after:
        return ()
    was, now = before or Intent(""), after or Intent("")
    found: list[str] = []
    if was.profile != now.profile:
        found.append(f"profile {was.profile or 'none'} -> {now.profile or 'none'}")
    for intent, other, verb in ((was, now, "no longer granted"), (now, was, "granted")):
        names = [_grant(each, intent) for each in intent.grants]
        others = [_grant(each, other) for each in other.grants]
        gateways = [f"gateway ({each})" for each in intent.gateway_access]
        names += gateways
        others += [f"gateway ({each})" for each in other.gateway_access]
        new = [each for each in names if each not in others]
        if new:
            found.append(f"{verb}: {', '.join(new)}")
    if was.hatch_open != now.hatch_open:
        found.append("escape hatch opened" if now.hatch_open else "escape hatch closed")
    if was.platform != now.platform:
        found.append("platform Namespace" if now.platform else "no platform Namespace any more")
    if was.meshed != now.meshed:
        found.append("joins the mesh" if now.meshed else "leaves the mesh")
    if was.webhooks != now.webhooks:
        found.append(f"webhooks {'allowed' if now.webhooks else 'no longer allowed'}")
    both = was.profile is not None and was.profile == now.profile
    if both and was.intra_namespace != now.intra_namespace:
        found.append(f"intra-namespace {'allow' if now.intra_namespace else 'deny'}")
    if both and was.gateway_ports != now.gateway_ports:
        ports = now.gateway_ports
        said = "none" if ports is None else ",".join(map(str, ports)) or "any"
        found.append(f"gateway-ports {said}")
    if both and was.internet_ports != now.internet_ports:
        listed = now.internet_ports
        said = "none" if listed is None else port_ranges_text(listed) or "as the settings say"
        found.append(f"internet-ports {said}")
    for key, old, new_ports in (
        ("lan-ports", was.lan_ports, now.lan_ports),
        ("world-ports", was.world_ports, now.world_ports),
    ):
        if old != new_ports:
            found.append(f"{key} {port_ranges_text(new_ports) or 'none'}")
    return tuple(found)


def _grant(name: str, intent: Intent) -> str:
    value = intent.grant_values.get(name, WHOLE)
    return name if value == WHOLE else f"{name}={value}"
