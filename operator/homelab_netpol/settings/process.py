"""The operator as a process: its endpoints, its Lease, its log, its ConfigMap for admission."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from homelab_netpol.settings.fields import DnsLabel, DnsSubdomain
from homelab_netpol.settings.section import Section


class Server(Section):
    """Where /metrics, /healthz and /readyz answer, and when they find fault."""

    address: str = Field(
        default="::",  # probes and scrapers come from outside the Pod
        description="The address to listen on; `::`: all, IPv6 and IPv4, as far as there are any.",
    )
    port: Annotated[int, Field(ge=0, le=65535)] = Field(
        default=8080, description="The port to listen on."
    )
    alive_seconds: Annotated[float, Field(ge=1, le=3600)] = Field(
        default=20.0,
        description="How long the event loop may stand still before /healthz says so.",
    )
    debug: bool = Field(
        default=False,
        description="Show at /debug/state what is queued, kept and watched: names of namespaces"
        " among it, to everybody who reaches the port.",
    )


class LeaderElection(Section):
    """One replica writes, the others wait. Without `enabled`: only inside a cluster."""

    enabled: bool | None = Field(
        default=None, description="Unset: only when running in a Pod, with its service account."
    )
    namespace: DnsLabel | None = Field(
        default=None, description="Of the Lease; without it, the Pod's own namespace."
    )
    name: DnsLabel = Field(default="homelab-netpol", description="Of the Lease.")
    lease_seconds: Annotated[int, Field(ge=3, le=300)] = Field(
        default=15, description="After so long without a sign of the leader, another takes over."
    )


class Admission(Section):
    """What the admission policies compare labels with: a ConfigMap that the operator keeps."""

    enabled: bool = Field(
        default=False, description="Keep it; for the component manifests/components/admission."
    )
    namespace: DnsLabel = Field(
        default="homelab-netpol", description="Where the policies' bindings look for it."
    )
    name: DnsSubdomain = Field(
        default="homelab-netpol-vocabulary", description="The name that they look for."
    )


class LogFormat(StrEnum):
    """How a line of the log looks."""

    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    """The least severe lines that are shown."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Logging(Section):
    """The operator's log, on standard error."""

    format: LogFormat = Field(default=LogFormat.TEXT, description="`text` or `json`.")
    level: LogLevel = Field(
        default=LogLevel.INFO, description="`debug`, `info`, `warning` or `error`."
    )
