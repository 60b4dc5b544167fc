"""Labels as the API server lets them through, and annotations, which may hold anything."""

from __future__ import annotations

import pytest

from tests.cluster import words
from tests.cluster.kube import Kube
from tests.cluster.spaces import (
    DOMAIN,
    ENFORCEMENT,
    GATEWAY_PORTS,
    INTRA_NAMESPACE,
    PROFILE,
    PROFILE_POLICY,
    Spaces,
    access,
    version_of,
)
from tests.cluster.watched import resync, series, shows
from tests.running_operator import RunningOperator

pytestmark = pytest.mark.usefixtures("operator")

VALUES = (
    "a" * 63,
    "Internal",
    "INTERNAL",
    "internal_egress",
    "internal.egress",
    "standard-2",
    "0standard",
    "true",
    "null",
    "0",
    "1e3",
    "",
)
ANNOTATIONS = {
    "words": "http",
    "YAML": "8080\n- fromEntities: [all]",
    "a template": "{{ gateways }} {% for x in range(9) %}{% endfor %}",
    "quotes": '8080"]}, {"fromEntities": ["all"',
    "a NUL as an escape": "80\\u000080",
    "a control character": "80\u000180",
    "full-width digits": "\uff18\uff10\uff18\uff10",
    "Arabic digits": "\u0668\u0660\u0668\u0660",
    "a zero-width space": "80\u200b80",
    "a right-to-left mark": "\u202e0808",
    "port 0": "0",
    "port 65536": "65536",
    "a negative port": "-1",
    "a range": "8000-9000",
    "an underscore": "8_080",
    "hexadecimal": "0x50",
    "a float": "80.0",
    "a trailing comma": "8080,",
    "nothing": "",
    "a space": " ",
    "forty ports": ",".join(map(str, range(1, 41))),
    "a very long number": "9" * 5000,
    "200 kB": "8080," * 40_000,
}
KEPT = words.gateway("internal", 9090)


@pytest.mark.parametrize("value", VALUES)
def test_a_profile_that_does_not_exist_opens_nothing_and_closes_nothing(
    spaces: Spaces, value: str
) -> None:
    fresh = spaces({PROFILE: value})
    kept = spaces({PROFILE: "internal"})
    before = kept.has_profile("internal")
    kept.label({PROFILE: value})
    kept.told("ProfileUnknown", repr(value), "'internal' stays in force")
    fresh.told("ProfileUnknown", repr(value), "no profile is in force")
    assert version_of(kept.policy()) == version_of(before)
    assert fresh.policies() == {}


@pytest.mark.parametrize("text", ANNOTATIONS)
def test_ports_that_cannot_be_read_leave_the_ports_as_they_are(spaces: Spaces, text: str) -> None:
    app = spaces({PROFILE: "internal"}, gateway_ports="9090")
    before = app.has()
    assert KEPT in words.allowed(before, "ingress")
    app.annotate({GATEWAY_PORTS: ANNOTATIONS[text]})
    event = app.told("GatewayPortsInvalid", GATEWAY_PORTS, "may still reach 9090")
    assert len(event["message"]) <= 1024
    assert version_of(app.policy()) == version_of(before)


def test_ports_that_cannot_be_read_from_the_start_open_nothing_to_gateways(
    spaces: Spaces,
) -> None:
    app = spaces({PROFILE: "standard"}, gateway_ports="\uff18\uff10\uff18\uff10")
    app.told("GatewayPortsInvalid", "may reach nothing until it is corrected")
    ingress = words.allowed(app.has(), "ingress")
    assert not any("istio-gateway" in phrase for phrase in ingress)


def test_every_label_wrong_at_once_is_told_label_by_label(
    spaces: Spaces, operator: RunningOperator
) -> None:
    app = spaces(
        {
            PROFILE: "x" * 63,
            ENFORCEMENT: "Off",
            INTRA_NAMESPACE: "Maybe_not.really",
            access("Postgres"): "true",
            access("a" * 63): "true",
            access("kube_api.v1"): "TRUE",
            access("kube-api"): "TRUE",
            f"{DOMAIN}/enforcment": "disabled",
            f"{DOMAIN}/component": "hatch",
        },
        gateway_ports="8080;9090",
    )
    for reason in (
        "ProfileUnknown",
        "EnforcementValueInvalid",
        "IntraNamespaceRefused",
        "GatewayPortsRefused",
        "AccessUnknown",
        "AccessValueInvalid",
    ):
        app.told(reason)
    app.told("AccessUnknown", "'Postgres'", "Did you mean 'postgres'?")
    app.told("LabelUnknown", "enforcment", "Did you mean 'enforcement'?")
    app.told("LabelUnknown", f"{DOMAIN}/component")
    shows(operator, 1, "refused_labels", namespace=app.name, key=access("a" * 63))
    assert app.policies() == {}


def test_annotations_that_are_not_ours_may_be_as_large_as_they_like(spaces: Spaces) -> None:
    app = spaces({PROFILE: "internal"})
    app.annotate({"example.org/notes": "{{ config }}\n---\n" * 12_000})
    app.has_profile("internal")
    app.label({PROFILE: "standard"})
    app.has_profile("standard")
    app.holds_only(PROFILE_POLICY)


def test_no_bad_input_of_these_tests_was_an_error_of_the_operators_own(
    operator: RunningOperator, kube: Kube
) -> None:
    resync(operator)
    assert sum(series(operator, "reconciles_total", result="error")) == 0
    assert sum(series(operator, "reconciles_total", result="failed")) == 0
    assert sum(series(operator, "events_dropped_total")) == 0
    assert "Traceback" not in operator.log.read_text(encoding="utf-8")
