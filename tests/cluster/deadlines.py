"""What scenarios of hatches that close by themselves look at."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.cluster.kube import Kube, eventually
from tests.cluster.spaces import DOMAIN, ENFORCEMENT, HATCH_POLICY, PROFILE, Space

UNTIL = f"{DOMAIN}/disabled-until"
OPEN = {PROFILE: "isolated", ENFORCEMENT: "disabled"}
UNTIL_GAUGE = "enforcement_disabled_until_timestamp_seconds"
SINCE_GAUGE = "enforcement_disabled_since_timestamp_seconds"
NET = "escape-hatch-allow-all"


def after(seconds: float) -> tuple[str, float]:
    """A deadline in so many seconds, in whole ones: its text, and Unix time."""
    moment = (datetime.now(UTC) + timedelta(seconds=seconds)).replace(microsecond=0)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ"), moment.timestamp()


def left_out(kube: Kube, app: Space) -> bool:
    """The net under the hatch leaves this namespace out by name."""
    net: Any = kube.ccnp(NET)
    assert net is not None
    expressions = net["spec"]["endpointSelector"].get("matchExpressions", [])
    return any(item["operator"] == "NotIn" and app.name in item["values"] for item in expressions)


def is_closed(kube: Kube, app: Space) -> bool:
    """Neither net is open."""
    return app.policy(HATCH_POLICY) is None and left_out(kube, app)


def closes(kube: Kube, app: Space) -> float:
    """Waits until both nets are closed, and says when that was seen."""
    eventually(lambda: is_closed(kube, app), f"the hatch of {app.name} to close by itself")
    return time.time()
