"""The API server answers with errors, while all are busy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from tests.chaos.proxied import Spell, arranged, endure
from tests.chaos.scene import Scene
from tests.cluster import faults
from tests.cluster.faults import Manner
from tests.cluster.faulty_proxy import FaultyProxy

WATCH = "watch=true"


def answering(manner: Manner, path: str = "") -> Spell:
    """Answers requests for a part of a path in some manner."""

    @contextmanager
    def spell(proxy: FaultyProxy) -> Iterator[None]:
        with proxy.fault(manner, path=path):
            proxy.cut()  # what is open would go on
            yield

    return spell


SPELLS: dict[str, Spell] = {
    "410 on watches": answering(faults.status(410, "Expired"), WATCH),
    "410 as the first event of watches": answering(faults.expire, WATCH),
    "429 with Retry-After": answering(faults.status(429, "TooManyRequests", retry_after=1)),
    "500": answering(faults.status(500, "InternalError")),
    "503": answering(faults.status(503, "ServiceUnavailable")),
    "401": answering(faults.status(401, "Unauthorized")),
    "401 on watches": answering(faults.status(401, "Unauthorized"), WATCH),
    "403": answering(faults.status(403, "Forbidden")),
    "a page of a load balancer": answering(faults.page(502, "<html>Bad Gateway</html>")),
}


@pytest.mark.parametrize("spells", arranged(SPELLS), ids=" ".join)
def test_no_promise_is_broken_while_the_api_server_answers_with_errors(
    spells: Mapping[str, Spell], scene: Scene
) -> None:
    endure(scene, spells)
