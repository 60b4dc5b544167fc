"""What `doctor --redact` puts in the place of names, and that none of them is left."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from homelab_netpol.cluster.doctor_facts import Facts, Listed, Page
from homelab_netpol.doctor import examine
from homelab_netpol.doctor import installation as names
from homelab_netpol.doctor.bundle import bundle_files
from homelab_netpol.doctor.redact import Redactor
from tests.unit.examined import installation, namespace, pod

NAMES = {"ns": ["photos", "my-app"], "pod": ["web-7d9f-abcde"], "host": ["nas.example.net"]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("photos", "ns-2"),
        ("Namespace photos, and photos.", "Namespace ns-2, and ns-2."),
        ("homelab-grant-photos.read", "homelab-grant-ns-2.read"),
        ("k8s:io.kubernetes.pod.namespace=photos", "k8s:io.kubernetes.pod.namespace=ns-2"),
        ("telephotos photos2", "telephotos photos2"),
        ("my-app-web", "ns-1-web"),
        ('User "anna@example.org" cannot list', 'User "(left out)" cannot list'),
        ("PHOTOS", "ns-2"),
        ("line\nphotos\tmy-app", "line\nns-2\tns-1"),
        ("web-7d9f-abcde_1234", "pod-1_1234"),
        ("https://nas.example.net:8443/photos", "https://host-1:8443/ns-2"),
        ("*.nas.example.net", "*.host-1"),
        (
            "kube-system network-policy.homelab/profile",
            "kube-system network-policy.homelab/profile",
        ),
    ],
)
def test_names_are_replaced_as_whole_words(text: str, expected: str) -> None:
    assert Redactor(NAMES).text(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.1.2.3", "address-1"),
        ("at 10.1.2.3:8080.", "at address-1:8080."),
        ("cidr:10.1.2.3/32", "cidr:address-1/32"),
        ("from 10.1.2.3.", "from address-1."),
        ("[fd00:1::5]:443", "[address-1]:443"),
        ("cidr:fd00:1::5/128", "cidr:address-1/128"),
        ("::ffff:10.1.2.3", "address-1"),
        ("10.0.0.0/8 ::/0 0.0.0.0/0", "10.0.0.0/8 ::/0 0.0.0.0/0"),
        ("2026-03-01T18:00:00Z v1.36.3", "2026-03-01T18:00:00Z v1.36.3"),
        ("10.1.2.3 10.9.9.9 10.1.2.3", "address-1 address-2 address-1"),
    ],
)
def test_addresses_are_replaced_and_times_and_blocks_are_not(text: str, expected: str) -> None:
    assert Redactor({}).text(text) == expected


def test_keys_are_replaced_where_they_are_nobodys_fields() -> None:
    redactor = Redactor({"ns": ["spec", "photos"]})
    data = {"spec": {"matchLabels": {"photos": "spec"}}, "status": ["photos", 7, None, True]}
    assert redactor.redacted(data) == {
        "spec": {"matchLabels": {"ns-1": "ns-2"}},
        "status": ["ns-1", 7, None, True],
    }
    assert json.dumps(data).count("photos") == 2, "what was given is left as it is"


def test_a_stand_in_is_the_same_in_every_text() -> None:
    redactor = Redactor(NAMES)
    assert redactor.text("photos 10.1.2.3") == redactor.text("photos 10.1.2.3")


def logged() -> Facts:
    """What was read where log and Events name things, a Namespace that is gone among them."""
    message = "Written for photos by api.home.example; 10.9.8.7 eyJhbGciOiJSUzI1NiJ9.e30.x"
    line = json.dumps({"namespace": "gone-ns", "message": message})
    made = installation(
        {
            "Namespace": Listed([namespace("photos", {"team": "x"})]),
            "pods": Listed([pod("web-5d9f8-abcde", "photos")]),
            names.NODE: Listed([{"metadata": {"name": "attic"}}]),
            names.EVENT: Listed(
                [{"message": "web-5d9f8-abcde on attic", "involvedObject": {"name": "photos"}}]
            ),
        },
        logs={"netpol-1": Page(200, line)},
        server="https://api.home.example:6443",
    )
    return made.facts


def test_a_redacted_bundle_has_stand_ins_in_logs_and_events() -> None:
    made = replace(installation(), facts=logged())
    files = bundle_files(made, examine(made), redact=True)
    log, events = files["logs/pod-2.log"].decode(), files["events.json"].decode()
    assert "Written for ns-" in log
    assert "(left out)" in log
    assert "pod-3 on node-1" in events
    everything = b"\n".join([*files.values(), *map(str.encode, files)]).decode()
    for name in (
        "photos",
        "gone-ns",
        "api.home.example",
        "web-5d9f8",
        "attic",
        "10.9.8.7",
        "eyJhbGciOi",
        "cilium-1",
    ):
        assert name not in everything, name


def test_where_names_cannot_be_known_logs_and_events_stay_out() -> None:
    facts = logged()
    facts.lists["pods"] = Listed(refused="403 Forbidden: no")
    made = replace(installation(), facts=facts)
    files = bundle_files(made, examine(made), redact=True)
    assert not [each for each in files if each.startswith("logs/") or each == "events.json"]
    assert "Pod could not be listed" in files["README.txt"].decode()
    plain = bundle_files(made, examine(made), redact=False)
    assert "logs/netpol-1.log" in plain
