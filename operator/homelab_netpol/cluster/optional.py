"""Lists of kinds that a cluster may not have, or that the operator's account may not see."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from homelab_netpol.cluster.errors import Forbidden, NotFound

if TYPE_CHECKING:
    # A command that reads files only must not wait for the Kubernetes client.
    from homelab_netpol.cluster.client import Api

# Services and routes are larger than policies: a page is parsed within some milliseconds.
_AT_ONCE = 200

log = logging.getLogger(__name__)


class OptionalLists:
    """Lists what there is; what may not be listed is left out, and the log says so once."""

    def __init__(self, api: Api, purpose: str) -> None:
        """Prepares; `purpose` is what is done without a list, for the log."""
        self._api = api
        self._purpose = purpose
        self._refused: dict[str, str] = {}

    async def items(self, plural: str, *paths: str) -> AsyncIterator[dict[str, Any]]:
        """The objects of a kind; none where there is no such kind.

        Args:
            plural: the kind, for the log.
            *paths: where it may be, one for each of its versions: the first that is served counts.

        Raises:
            ApiError: the server did not answer.
        """
        for path in paths:
            try:
                async for page, _ in self._api.pages(path, page_size=_AT_ONCE):
                    for item in page:
                        yield item
            except NotFound:
                continue
            except Forbidden as error:
                if self._refused.get(plural) != str(error):
                    log.warning("%s goes on without %s: %s", self._purpose, plural, error)
                self._refused[plural] = str(error)
                return
            self._refused.pop(plural, None)
            return
