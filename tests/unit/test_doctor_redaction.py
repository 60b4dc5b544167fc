"""What `doctor --redact` puts in the place of names, and that none of them is left."""

from __future__ import annotations

import json

import pytest

from homelab_netpol.doctor.redact import Redactor

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
