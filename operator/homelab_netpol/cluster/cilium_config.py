"""Reads how Cilium is configured, and which of its agents run. Nothing of it is ever written."""

from __future__ import annotations

from homelab_netpol.cilium.agent_config import read_agent_config
from homelab_netpol.cilium.enforcement import Agents, CiliumState
from homelab_netpol.cilium.version import Version, agent_versions
from homelab_netpol.cluster.client import Api
from homelab_netpol.cluster.errors import Forbidden, NotFound
from homelab_netpol.cluster.pods import has_ended, is_ready
from homelab_netpol.settings import Cilium


class CiliumReader:
    """Asks for one ConfigMap, and for the agents' pods."""

    def __init__(self, api: Api, settings: Cilium) -> None:
        self._api = api
        self._settings = settings
        self._namespace = f"/api/v1/namespaces/{settings.namespace}"

    async def read(self) -> CiliumState:
        """What there is now; what is not there, or may not be read, is not known.

        Raises:
            ApiError: the server did not answer.
        """
        where = f"{self._settings.namespace}/{self._settings.config_map}"
        agents = await self._agents()
        try:
            path = f"{self._namespace}/configmaps/{self._settings.config_map}"
            found = await self._api.request("GET", path)
        except (Forbidden, NotFound) as error:
            refused = isinstance(error, Forbidden)
            return CiliumState(
                where, agents=agents, unknown_because=str(error), lacks_right=refused
            )
        versions = agents.versions if agents is not None else frozenset()
        config = read_agent_config(found.get("data") or {}, versions)
        return CiliumState(where, config=config, agents=agents)

    async def _agents(self) -> Agents | None:
        selector = ",".join(f"{k}={v}" for k, v in sorted(self._settings.agent_labels.items()))
        ready = total = 0
        versions: set[Version] = set()
        try:
            async for pods, _ in self._api.pages(
                f"{self._namespace}/pods", label_selector=selector
            ):
                running = [pod for pod in pods if not has_ended(pod)]
                total += len(running)
                ready += sum(map(is_ready, running))
                versions |= agent_versions(running)
        except (Forbidden, NotFound):
            return None
        return Agents(ready, total, frozenset(versions))
