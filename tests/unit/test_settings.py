"""The settings file: defaults are the vocabulary's tables, mistakes are told with their path."""

from __future__ import annotations

from pathlib import Path

import pytest

from homelab_netpol.settings import Settings, SettingsError, load_settings, parse_settings, remarks
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


def test_a_file_that_is_missing_or_absurd_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(tmp_path / "missing.yaml")
    big = tmp_path / "big.yaml"
    big.write_bytes(b"#" * 2_000_000)
    with pytest.raises(SettingsError, match="larger than"):
        load_settings(big)
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="not UTF-8"):
        load_settings(binary)


def _write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder


def test_the_files_of_a_folder_are_joined(tmp_path: Path) -> None:
    folder = _write(
        tmp_path,
        netpol="logging: {format: json}\ndns: {proxy: true}",
        mine="defaultDeny: labelled",
        more="logging: {level: debug, format: json}",
        empty="# nothing yet",
    )
    (folder / "..data").mkdir()  # as a ConfigMap's volume has it
    settings = load_settings(folder)
    assert (settings.default_deny, settings.dns.proxy) == ("labelled", True)
    assert (settings.logging.format, settings.logging.level) == ("json", "debug")


def test_two_files_that_contradict_each_other_are_both_named(tmp_path: Path) -> None:
    folder = _write(tmp_path, a="defaultDeny: workload", b="dns: {}\ndefaultDeny: labelled")
    with pytest.raises(SettingsError) as caught:
        load_settings(folder)
    assert str(folder / "a.yaml") in str(caught.value)
    assert str(caught.value).startswith(f"{folder / 'b.yaml'}: defaultDeny: ")


def test_a_mistake_is_told_with_the_file_that_made_it(tmp_path: Path) -> None:
    folder = _write(tmp_path, a="dns: {proxy: true}", b="dns: {ports: [{port: 0}]}\nworkers: x")
    with pytest.raises(SettingsError) as caught:
        load_settings(folder)
    told = {tuple(line.split(": ")[:2]) for line in str(caught.value).splitlines()}
    assert {path for _, path in told} >= {"dns.ports[0].port", "workers"}
    assert {file for file, _ in told} == {str(folder / "b.yaml")}


@pytest.mark.parametrize("name", ["netpol.yaml~", "netpol.json", "README"])
def test_a_file_that_would_not_count_is_told(tmp_path: Path, name: str) -> None:
    _write(tmp_path, netpol="workers: 4")
    (tmp_path / name).write_text("workers: 5")
    with pytest.raises(SettingsError, match=r"not read, as its name does not end with \.yaml"):
        load_settings(tmp_path)


def test_a_folder_without_settings_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="holds no settings file"):
        load_settings(tmp_path)


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


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "gateways: {namespace: edge, label: a/b, internal: in}",
            "{gateways: {internal: [{namespace: edge, podLabels: {a/b: in}, serviceAccount:"
            " internal-istio}], external: [{namespace: edge, podLabels: {a/b: external},"
            " serviceAccount: external-istio}]}}",
        ),
        (
            "prometheus: {ports: [9090]}",
            "{scrapers: [{namespace: monitoring, podLabels: {app.kubernetes.io/name: prometheus},"
            " ports: [9090]}]}",
        ),
        (
            "dns: {namespace: dns}",
            "{dns: {servers: [{namespace: dns, podLabels: {k8s-app: kube-dns}}]}}",
        ),
        (
            "probes: {entities: [health, host], cidrs: [169.254.0.0/16]}",
            "{probes: [{entities: [health, host]}, {cidrs: [169.254.0.0/16]}]}",
        ),
        # What was not said, had a default.
        (
            "probes: {entities: [health, host]}",
            "{probes: [{entities: [health, host]}, {cidrs: [169.254.0.0/16,"
            " 'fd16:9254:7127:1337:ffff::/80']}]}",
        ),
        (
            "probes: {cidrs: [10.0.0.0/8]}",
            "{probes: [{entities: [health]}, {cidrs: [10.0.0.0/8]}]}",
        ),
        (
            "mesh: {ztunnel: {namespace: istio-system, labels: {app: ztunnel}}}",
            "{mesh: {ztunnel: [{namespace: istio-system, podLabels: {app: ztunnel}}]}}",
        ),
    ],
)
def test_a_setting_of_before_is_refused_with_the_line_to_write(text: str, line: str) -> None:
    with pytest.raises(SettingsError, match="write instead") as refused:
        parse_settings(text)
    assert str(refused.value).endswith(line)
    parse_settings(line)


_ONE = "internal and external are one here"
_LACKS_B = "{matchExpressions: [{key: b, operator: DoesNotExist}]}"


@pytest.mark.parametrize(
    ("text", "path", "said"),
    [
        ("scrapers: [{namespace: a, entities: [host]}]", "scrapers[0]", "namespace, entities"),
        ("probes: [{}]", "probes[0]", "none of them"),
        ("apiServer: [{podLabels: {a: b}}]", "apiServer[0]", "none of them"),
        ("gateways: {internal: [{entities: [ingres]}]}", "entities[0]", "ingress"),
        ("internet: {exceptCidrs: [10.0.0.0/8, 10.1.0.0/16]}", "internet", "10.1.0.0/16"),
        ("internet: {exceptCidrs: [0.0.0.0/0]}", "internet", "nothing is left"),
        ("lan: {cidrs: [0.0.0.0/0]}", "lan", "every address"),
        (
            "companions: {a: {pods: {}, from: [{entities: [host]}], ports: [{port: 1}]}}",
            "companions.a",
            "a label that the pods have",
        ),
        (
            "companions: {a: {pods: {matchLabels: {b: c}}, to: [{namespace: kube-system}],"
            " ports: [{port: 1}]}}",
            "companions.a",
            "all pods of kube-system",
        ),
        (
            "companions: {a: {pods: {matchLabels: {io.kubernetes.pod.namespace: kube-system}},"
            " from: [{entities: [host]}], ports: [{port: 1}]}}",
            "companions.a",
            "about Namespaces",
        ),
        (
            "companions: {a: {pods: {matchLabels: {b: c}}, to: [{entities: [world]}],"
            " ports: [{port: 1}]}}",
            "companions.a",
            "names no peer in particular",
        ),
        *(
            (
                f"companions: {{a: {{pods: {pods}, {way}: [{peer}], ports: [{{port: 1}}]}}}}",
                "companions.a",
                said,
            )
            for way in ("from", "to")
            for pods, peer, said in (
                # Of what lacks a label there are pods in every namespace, kube-system's included.
                (_LACKS_B, "{entities: [host]}", "a label that the pods have"),
                (
                    "{matchLabels: {b: c}}",
                    f"{{selector: {_LACKS_B}}}",
                    "a label that its pods have",
                ),
                (
                    "{matchLabels: {b: c}}",
                    "{selector: {matchLabels: {io.kubernetes.pod.namespace: kube-system}}}",
                    "a label that its pods have",
                ),
            )
        ),
        (
            "mesh: {authorizationPolicies: true}\n"
            "companions: {a: {pods: {matchLabels: {b: c}}, ports: [{port: 1}],"
            " from: [{selector: {matchLabels: {app: operator}}}]}}",
            "companions.a.from[0].selector",
            "Istio knows no labels",
        ),
        (
            "mesh: {authorizationPolicies: true}\n"
            "scrapers: [{selector: {matchLabels: {app: probe}}}]",
            "scrapers[0].selector",
            "Istio knows no labels",
        ),
    ],
)
def test_who_is_named_wrongly_is_refused_with_the_path(text: str, path: str, said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse_settings(text)
    [message] = str(refused.value).splitlines()
    assert path in message
    assert said in message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("gateways: {internal: [{entities: [ingress]}], external: [{entities: [ingress]}]}", _ONE),
        ("probes: [{entities: [health, remote-node]}]", "remote-node"),
        ("gateways: {external: [{namespace: traefik}]}", "traefik, which is no platform namespace"),
        ("dns: {servers: [{cidrs: [169.254.20.10/32]}]}", "link-local"),
        (
            "mesh: {waypoints: [{namespace: ways, podLabels: {a: b}}]}",
            "ways, which is no platform namespace",
        ),
        (
            "mesh: {authorizationPolicies: true}\n"
            "companions: {a: {pods: {matchLabels: {b: c}}, ports: [{port: 1}],"
            " to: [{namespace: garage, podLabels: {d: e}}]}}",
            "Istio refuses",
        ),
    ],
)
def test_what_an_author_may_not_expect_is_said_at_the_start(text: str, said: str) -> None:
    [remark] = remarks(parse_settings(text))
    assert said in remark
    assert list(remarks(Settings())) == []
