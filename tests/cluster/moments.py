"""Every state of the policies that the API server saw, one after the other, and Cilium's verdicts.

moments = Moments(kube, [app.name])
...                                  # something changes policies
moments.cut_off(engine, flows)       # what was allowed before and is now, but not in between
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence

from lab.control_plane import Engine, Flow
from tests.cluster.kube import CCNP, CNP, Kube, Manifest

_KINDS = {CNP: "CiliumNetworkPolicy", CCNP: "CiliumClusterwideNetworkPolicy"}
_Key = tuple[str, str, str]


class Moments:
    """Looks back on what happened to the policies since it was made."""

    def __init__(self, kube: Kube, namespaces: Collection[str]) -> None:
        """Begins; of policies in Namespaces only those in these count."""
        self._namespaces = namespaces
        self._kube = kube
        self._first: dict[_Key, Manifest] = {}
        self._since: dict[str, str] = {}
        for kind in _KINDS:
            status, text = kube.call("GET", f"/apis/cilium.io/v2/{kind}")
            assert status == 200, text
            listed = json.loads(text)
            self._since[kind] = listed["metadata"]["resourceVersion"]
            self._first |= {_key(kind, item): item for item in listed["items"]}

    def events(self) -> list[tuple[str, Manifest]]:
        """ADDED, MODIFIED or DELETED, and the policy, in the order in which they were stored."""
        found: list[tuple[str, Manifest]] = []
        for kind, since in self._since.items():
            query = f"watch=true&timeoutSeconds=1&resourceVersion={since}"
            status, text = self._kube.call("GET", f"/apis/cilium.io/v2/{kind}?{query}")
            assert status == 200, text
            for event in map(json.loads, text.splitlines()):
                assert event["type"] != "ERROR", event
                found.append((event["type"], {**event["object"], "kind": _KINDS[kind]}))
        return sorted(found, key=lambda event: int(event[1]["metadata"]["resourceVersion"]))

    def states(self) -> list[list[Manifest]]:
        """The policies at first, and after each change."""
        standing = {
            key: {**item, "apiVersion": "cilium.io/v2", "kind": _KINDS[key[0]]}
            for key, item in self._first.items()
        }
        states = [self._counting(standing.values())]
        plurals = {kind: plural for plural, kind in _KINDS.items()}
        for what, policy in self.events():
            key = _key(plurals[policy["kind"]], policy)
            if what == "DELETED":
                standing.pop(key, None)
            else:
                standing[key] = policy
            states.append(self._counting(standing.values()))
        return states

    def cut_off(self, engine: Engine, flows: Sequence[Flow]) -> list[tuple[int, Flow]]:
        """What was allowed at first, and is allowed now, but not at a moment in between."""
        states = self.states()
        verdicts = [allowed(engine, policies, flows) for policies in states]
        always = [before and after for before, after in zip(verdicts[0], verdicts[-1], strict=True)]
        return [
            (moment, flow)
            for moment, state in enumerate(verdicts)
            for flow, must, is_allowed in zip(flows, always, state, strict=True)
            if must and not is_allowed
        ]

    def _counting(self, policies: Iterable[Manifest]) -> list[Manifest]:
        places = {"", *self._namespaces}
        return [each for each in policies if each["metadata"].get("namespace", "") in places]


def allowed(engine: Engine, policies: Sequence[Manifest], flows: Sequence[Flow]) -> list[bool]:
    """Cilium's verdicts, every one of these policies being in force."""
    rejected = engine.policies(policies)
    assert not rejected, rejected
    return [verdict.allowed for verdict in engine.verdicts(flows)]


def _key(kind: str, policy: Manifest) -> _Key:
    metadata = policy["metadata"]
    return kind, metadata.get("namespace", ""), metadata["name"]
