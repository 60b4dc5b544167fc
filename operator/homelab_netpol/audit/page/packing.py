"""Who may talk to whom, written short for the page: most connections are alike. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from homelab_netpol.shapes import mappings, text


def packed(access: Mapping[str, Any]) -> dict[str, Any]:
    """The document's `access`, with each end and each sort of edge written once.

    Returns:
        `nodes` as they were; `ends`, all ids; `sorts`, what edges have beside their ends; and
        `edges` as lists of three places: of the source and the target in `ends`, of the sort in
        `sorts`. data.js of the page unpacks it.
    """
    ends: dict[str, int] = {}
    sorts: dict[str, int] = {}
    edges = []
    for edge in mappings(access, "edges"):
        rest = {key: value for key, value in edge.items() if key not in ("from", "to")}
        kept = {key: value for key, value in rest.items() if value not in (None, "", [])}
        edges.append(
            [
                ends.setdefault(text(edge, "from"), len(ends)),
                ends.setdefault(text(edge, "to"), len(ends)),
                sorts.setdefault(json.dumps(kept), len(sorts)),
            ]
        )
    return {
        "nodes": mappings(access, "nodes"),
        "ends": list(ends),
        "sorts": [json.loads(each) for each in sorts],
        "edges": edges,
    }
