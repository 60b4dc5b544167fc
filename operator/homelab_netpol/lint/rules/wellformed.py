"""What Cilium or the API server rejects, drops, or reads otherwise than it is written. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from homelab_netpol.cilium.terms import CCNP, PORTLESS_PROTOCOLS
from homelab_netpol.cilium.validation import Nature, RuleProblem, check_body
from homelab_netpol.lint.examples import cilium_policy
from homelab_netpol.lint.given import Given
from homelab_netpol.lint.policies import DIRECTIONS, PolicyView, items, mapping
from homelab_netpol.lint.rule import Hit, Path, RemoveField, Rule, Severity

_TOP = frozenset({"apiVersion", "kind", "metadata", "status"})
# Of selectors of Services and of CIDR groups Cilium takes more than the schema says.
_LAX = frozenset({"k8sServiceSelector", "cidrGroupSelector"})
# Rules of their own are about these.
_REMOVED = frozenset({"fromRequires", "toRequires", "kafka", "l7proto", "l7"})
_LISTS = tuple(direction + kind for direction in DIRECTIONS for kind in ("", "Deny"))


def problems_of(policy: PolicyView) -> list[RuleProblem]:
    """What validation has to say of a policy of Cilium's, without what others' rules say."""
    body = {key: value for key, value in policy.manifest.data.items() if key not in _TOP}
    kind = policy.manifest.kind
    if kind == CCNP:
        body = {key: _of_nodes(value) for key, value in body.items()}
    found = []
    for problem in check_body(body, kind):
        steps = problem.steps
        if steps == ("specs",) and problem.nature is Nature.EMPTY:
            continue
        if _is_portless(policy.manifest.data, problem):
            continue
        if _REMOVED & {each for each in steps if isinstance(each, str)}:
            continue
        nature = Nature.MISREAD if _LAX & {str(each) for each in steps} else problem.nature
        if nature is Nature.UNWANTED and "nodeSelector" in steps and kind != CCNP:
            nature = Nature.REJECTED
        if nature is Nature.EMPTY and _leaves_no_rule(policy, steps):
            nature = Nature.REJECTED
        found.append(RuleProblem(problem.path, problem.message, nature, steps))
    return found


def _of_nodes(value: Any) -> Any:
    """A spec for nodes as one for pods, which has the same fields otherwise."""
    if isinstance(value, list):
        return [_of_nodes(each) for each in value]
    if not isinstance(value, Mapping) or "nodeSelector" not in value:
        return value
    if "endpointSelector" in value:
        return value
    return {
        ("endpointSelector" if key == "nodeSelector" else key): each for key, each in value.items()
    }


def _is_portless(data: Any, problem: RuleProblem) -> bool:
    """A protocol without ports lacks one: fine, if an option of Cilium's allows such protocols."""
    if not problem.message.startswith("`port` is missing"):
        return False
    for step in problem.steps:
        data = data[step]
    return mapping(data).get("protocol") in PORTLESS_PROTOCOLS


def _leaves_no_rule(policy: PolicyView, steps: Path) -> bool:
    """The empty list is one of the four of a spec, of which none has a rule."""
    if not steps or steps[-1] not in _LISTS:
        return False
    return any(
        spec.path == steps[:-1] and not any(items(spec.body.get(each)) for each in _LISTS)
        for spec in policy.specs
    )


def _of_nature(given: Given, *natures: Nature) -> Iterator[tuple[PolicyView, RuleProblem]]:
    for policy in given.policies:
        if policy.cilium:
            for problem in given.problems(policy, problems_of):
                if problem.nature in natures:
                    yield policy, problem


def _rejected(given: Given) -> Iterator[Hit]:
    for policy, problem in _of_nature(given, Nature.REJECTED):
        # One item is enough for Cilium to take none of the others.
        others = len(policy.specs) - 1 if problem.steps[:1] == ("specs",) else 0
        more = f"; with it the other {others} of this policy are rejected" if others > 0 else ""
        yield Hit(policy.manifest, problem.steps, f"{problem.message}{more}")


REJECTED = Rule(
    id="NP101",
    name="rejected",
    severity=Severity.ERROR,
    summary="A policy that the API server or Cilium rejects.",
    why="What only Cilium rejects is stored, gets `Valid: False` in its status, and is not in"
    " force: its pods are as open as if it were not there. Of a policy with several `specs`, all"
    " are rejected for one.",
    fix="Put right what the message names.",
    wrong=cilium_policy(
        "photos-web",
        """\
  endpointSelector: {}
  ingress:
    - fromEndpoints: [{matchLabels: {app: proxy}}]
      fromEntities: [host]
      toPorts: [{ports: [{port: "8080", protocol: TCP}]}]
""",
    ),
    right=cilium_policy(
        "photos-web",
        """\
  endpointSelector: {}
  ingress:
    - fromEndpoints: [{matchLabels: {app: proxy}}]
      toPorts: [{ports: [{port: "8080", protocol: TCP}]}]
    - fromEntities: [host]
      toPorts: [{ports: [{port: "8080", protocol: TCP}]}]
""",
    ),
    check=_rejected,
)


def _dropped(given: Given) -> Iterator[Hit]:
    for policy, problem in _of_nature(given, Nature.DROPPED):
        yield Hit(policy.manifest, problem.steps, f"is dropped in silence: {problem.message}")


UNKNOWN_FIELD = Rule(
    id="NP102",
    name="unknown-field",
    severity=Severity.ERROR,
    summary="A field that Cilium does not have, or a null.",
    why="Unless it is asked to be strict, the API server drops what its schema does not know. A"
    " rule without its mistyped `toPorts` opens every port, one without `fromEndpoints` all"
    " peers.",
    fix="Write the field's name as the message has it. `kubectl apply --validate=strict` refuses"
    " the rest.",
    wrong=cilium_policy(
        "photos-web",
        """\
  endpointSelector: {}
  ingress:
    - fromEndpoint: [{matchLabels: {app: proxy}}]
      toPorts: [{ports: [{port: "8080", protocol: TCP}]}]
""",
    ),
    right=cilium_policy(
        "photos-web",
        """\
  endpointSelector: {}
  ingress:
    - fromEndpoints: [{matchLabels: {app: proxy}}]
      toPorts: [{ports: [{port: "8080", protocol: TCP}]}]
""",
    ),
    check=_dropped,
)


def _empty(given: Given) -> Iterator[Hit]:
    for policy, problem in _of_nature(given, Nature.EMPTY):
        steps = problem.steps
        is_list_of_rules = bool(steps) and steps[-1] in _LISTS and len(steps) in (2, 3)
        edit = RemoveField(steps) if is_list_of_rules else None
        yield Hit(policy.manifest, steps, problem.message, edit=edit)


EMPTY_LIST = Rule(
    id="NP103",
    name="empty-list",
    severity=Severity.ERROR,
    summary="An empty list in a policy of Cilium's.",
    why="It never denies what it seems to. `ingress: []` closes nothing; `toPorts: []` opens every"
    " port, `toFQDNs: []` every peer; `fromEndpoints: []` lets no peer in and closes all the same.",
    fix="`ingress: [{}]` denies all ingress that nothing allows. Else take the list out:"
    " `--fix` does that where it means nothing.",
    wrong=cilium_policy(
        "photos-worker",
        """\
  endpointSelector: {matchLabels: {app: worker}}
  ingress: []
  egress:
    - toCIDR: [192.168.1.10/32]
      toPorts: [{ports: [{port: "2049", protocol: TCP}]}]
""",
    ),
    right=cilium_policy(
        "photos-worker",
        """\
  endpointSelector: {matchLabels: {app: worker}}
  ingress: [{}]
  egress:
    - toCIDR: [192.168.1.10/32]
      toPorts: [{ports: [{port: "2049", protocol: TCP}]}]
""",
    ),
    check=_empty,
    fixable=True,
)


def _misread(given: Given) -> Iterator[Hit]:
    for policy, problem in _of_nature(given, Nature.MISREAD):
        yield Hit(policy.manifest, problem.steps, problem.message)


MISREAD = Rule(
    id="NP104",
    name="read-otherwise",
    severity=Severity.WARNING,
    summary="Cilium takes it, and reads it otherwise than it is written, or fails on it later.",
    why="An `endPort` below its port is left out of account, `0100` is an octal number, HTTP and"
    " DNS rules on one port end in an error on each pod: the policy is called valid all the same.",
    fix="Write it as the message says.",
    wrong=cilium_policy(
        "voice",
        """\
  endpointSelector: {}
  ingress:
    - fromEntities: [world]
      toPorts: [{ports: [{port: "20000", endPort: 10000, protocol: UDP}]}]
""",
        namespace="voice",
    ),
    right=cilium_policy(
        "voice",
        """\
  endpointSelector: {}
  ingress:
    - fromEntities: [world]
      toPorts: [{ports: [{port: "10000", endPort: 20000, protocol: UDP}]}]
""",
        namespace="voice",
    ),
    check=_misread,
)

RULES = (REJECTED, UNKNOWN_FIELD, EMPTY_LIST, MISREAD)
