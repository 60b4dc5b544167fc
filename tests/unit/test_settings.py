"""The settings: defaults are the vocabulary's tables, mistakes are told with their path."""

from __future__ import annotations

from pathlib import Path

import pytest

from homelab_netpol.settings import Settings, SettingsError, parse_settings
from tools.settings_reference import reference


def test_defaults_are_the_table_of_shared_resources() -> None:
    table = {
        name: (resource.namespace or resource.entities, [port.port for port in resource.ports])
        for name, resource in Settings().shared_resources.items()
    }
    assert table == {
        "postgres": ("database", [5432]),
        "dragonfly": ("cache", [6379]),
        "garage-s3": ("garage", [3900]),
        "kube-api": (("kube-apiserver",), [6443, 443]),
    }


def test_an_empty_file_means_the_defaults() -> None:
    assert parse_settings("") == parse_settings("# nothing\n") == Settings()


def test_a_resource_of_the_file_joins_the_built_in_ones_or_replaces_its_namesake() -> None:
    settings = parse_settings(
        """
        sharedResources:
          dragonfly: {namespace: database, ports: [{port: 6379}]}
          ldap: {namespace: auth, podLabels: {app: ldap}, ports: [{port: 636}, {port: 389}]}
        """
    )
    assert settings.shared_resources["dragonfly"].namespace == "database"
    assert settings.shared_resources["ldap"].pod_labels == {"app": "ldap"}
    assert settings.shared_resources["postgres"].namespace == "database"


@pytest.mark.parametrize(
    ("text", "path", "says"),
    [
        ("defaultDeny: all", "defaultDeny", "'workload', 'labelled' or 'cluster'"),
        ("defaultDenny: workload", "defaultDenny", "no such setting"),
        ("dns: {ports: [{port: 70000}]}", "dns.ports[0].port", "less than or equal to 65535"),
        ("dns: {ports: [{port: '53'}]}", "dns.ports[0].port", "valid integer"),
        ("gateways: {internal: [{namespace: A_b}]}", "gateways.internal[0].namespace", "DNS label"),
        ("probes: [{cidrs: [169.254.1.1/16]}]", "probes[0].cidrs[0]", "must be a network"),
        ("probes: [{cidrs: ['fe80::1/10']}]", "probes[0].cidrs[0]", "host bits set"),
        ("probes: [{cidrs: ['::ffff:192.168.1.0/120']}]", "cidrs[0]", "IPv4: 192.168.1.0/24"),
        ("probes: [{cidrs: ['2001:db8::1']}]", "probes[0].cidrs[0]", "prefix"),
        ("probes: [{entities: [world, internet]}]", "probes[0].entities[1]", "Cilium's entities"),
        ("sharedResources: {x: {ports: [{port: 1}]}}", "sharedResources.x", "namespace"),
        ("sharedResources: {x: {namespace: a}}", "sharedResources.x.ports", "required"),
        ("sharedResources: {A_b: {namespace: a, ports: [{port: 1}]}}", "A_b", "DNS label"),
        ("labelDomain: 'no spaces'", "labelDomain", "DNS name"),
        ("platformNamespaces: [a, a]", "platformNamespaces", "twice"),
        ("platformNamespaces: ['*']", "platformNamespaces[0]", "does not match every Namespace"),
        ("platformNamespaces: ['**']", "platformNamespaces[0]", "does not match every Namespace"),
        ("platformNamespaces: [a, 'x?']", "platformNamespaces[1]", "such as *-system"),
        ("platformNamespaces: ['-*']", "platformNamespaces[0]", "such as *-system"),
        ("workers: 0", "workers", "greater than or equal to 1"),
        ("- a\n- b", "", "expected settings by name"),
        ("a: [", "", "not valid YAML"),
        ("workers: 4\nworkers: 5", "", "given twice"),
        ("x: !!python/object/apply:os.system ['true']", "", "not valid YAML"),
    ],
)
def test_a_wrong_file_is_told_with_the_path_of_the_field(text: str, path: str, says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_settings(text, source="netpol.yaml")
    message = str(caught.value)
    assert message.startswith("netpol.yaml: ")
    assert path in message
    assert says in message


def test_every_problem_of_a_file_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        parse_settings("workers: 0\ndefaultDeny: x\n")
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize(
    "text",
    [
        "dns: &x {dns: *x}",
        "\n".join(
            ["a0: &a0 {x: 1}"]
            + [
                f"a{n}: &a{n} {{{', '.join(f'k{k}: *a{n - 1}' for k in range(9))}}}"
                for n in range(1, 9)
            ]
        ),
    ],
    ids=["within itself", "many aliases"],
)
def test_aliases_do_not_blow_up(text: str) -> None:
    with pytest.raises(SettingsError):
        parse_settings(text)


def test_the_reference_page_is_what_the_model_says() -> None:
    page = Path(__file__).parents[2] / "docs" / "settings.md"
    assert page.read_text() == reference(), (
        "run: python -m tools.settings_reference > docs/settings.md"
    )
    assert "None |" not in reference(), "every setting says what it is for"
