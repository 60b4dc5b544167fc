"""Whatever a command is given, it answers, or says what is wrong and where."""

from __future__ import annotations

import pytest
import yaml

from tests.cli.commands import NAMESPACE, PROFILE, RESOURCE, refused, rendered


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (NAMESPACE + "  labels:\n\t- a\n", "-:6:1: not valid YAML"),
        (NAMESPACE + "  name: other\n", "-:5:3: not valid YAML: the key 'name' is given twice"),
        (NAMESPACE + "x: *nowhere\n", "-:5:4: not valid YAML: found undefined alias"),
        (b"a: 1\nb: \x01\n", "-:2:4: not valid YAML: the character U+0001"),
        ("a: 1\nb: !!int x\n", "-:1: not valid YAML: a value cannot be read"),
        ("a: !!timestamp x\n", "-:1: not valid YAML: a value does not fit its tag"),
        ("a: !!python/object/apply:os.system [id]\n", "-:1:4: not valid YAML"),
        ("{{- if .Values.on }}\nkind: Namespace\n{{- end }}\n", "helm template CHART"),
        (NAMESPACE.replace("photos", '"{{ .Release.Name }}"'), "template of Helm's"),
        (NAMESPACE.replace("photos", '"${APP}"'), "flux envsubst"),
        (b"\x7fELF\x00\x01\x02", "-: binary data"),
        (b"a: 1\nb: \xe9\n", "-:2: not UTF-8 text (byte 8)"),
        ("", "standard input: holds no Kubernetes object"),
        ("null\n---\n- 1\n", "standard input: holds no Kubernetes object"),
        ("[" * 100_000, "-:1:501: not valid YAML: nested too deeply"),
        ("- " * 5_000 + "a", "not valid YAML: nested too deeply"),
        ("{a: " * 5_000 + "1" + "}" * 5_000, "not valid YAML: nested too deeply"),
        ("\n".join(" " * i + "a:" for i in range(1_500)), "not valid YAML: nested too deeply"),
        (NAMESPACE + "x: &a {b: *a}\n", "aliases stand for more than 5,000,000 values"),
        ("&a {apiVersion: v1, kind: List, items: [*a]}", "aliases stand for more than"),
        (
            "a0: &a0 [x, x]\n"
            + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)),
            "aliases stand for more than",
        ),
        (f"a: {'9' * 5_000}\n", "-:1: not valid YAML: a value cannot be read"),
        ('{"a": 1,\n "a": 2}', "-:2:2: not valid YAML: the key 'a' is given twice"),
        ('{"a": ' * 5_000 + "1" + "}" * 5_000, "not valid YAML: nested too deeply"),
        ('{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NaN}}', "metadata.name"),
    ],
)
def test_text_that_cannot_be_read_is_named_with_its_place(given: str | bytes, said: str) -> None:
    assert said in refused(given)


def test_a_key_goes_over_the_same_one_that_is_merged() -> None:
    """YAML's `<<`, as homelabs share what is the same; a key that is given twice is refused yet."""
    shared = NAMESPACE.replace("metadata:", "metadata: &shared", 1)
    text = f"{shared}  labels: {{a: b}}\nx:\n  y:\n    <<: *shared\n    labels: {{c: d}}\n"
    assert rendered(text).exit_code == 0
    assert "the key 'labels' is given twice" in refused(text + "    labels: {}\n")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("apiVersion: v1\nkind: {}\n", "-:1: kind and apiVersion: must be text"),
        ("apiVersion: 7\nkind: Namespace\n", "-:1: kind and apiVersion: must be text"),
        ("a: 1\n---\napiVersion: v1\nkind: List\nitems: 3\n", "-:3: items: must be a list"),
        ("apiVersion: v1\nkind: List\nitems: [null]\n", "-:1: items[0]: no Kubernetes object"),
        ("apiVersion: v1\nkind: Namespace\nmetadata: null\n", "-:1: Namespace: metadata.name"),
        ("apiVersion: v1\nkind: Namespace\nmetadata: {name: 7}\n", "metadata.name: it has none"),
        (NAMESPACE + "  labels: []\n", "Namespace photos: metadata.labels: must be a mapping"),
        (NAMESPACE + "  labels: {a: 7}\n", "metadata.labels['a']: must be text, found 7"),
        (NAMESPACE + "  labels: {a: null}\n", "metadata.labels['a']: must be text, found None"),
        (NAMESPACE + "  labels: {7: a}\n", "metadata.labels: the key 7: must be text"),
        (NAMESPACE + "  labels: {a: '[red]x[/]'}\n", "'a: [red]x[/]' is no label"),
        (NAMESPACE + "  annotations: 7\n", "metadata.annotations: must be a mapping"),
        (NAMESPACE + "  uid: {}\n", "metadata.uid: must be text"),
        (NAMESPACE + "  deletionTimestamp: []\n", "metadata.deletionTimestamp: must be text"),
        (NAMESPACE + "  ownerReferences: [7]\n", "metadata.ownerReferences"),
        (NAMESPACE + "spec: 7\n", "Namespace photos: spec: must be a mapping"),
        (NAMESPACE + "x: !!set {a}\n", "-:1: x: a value of YAML's type set, which JSON lacks"),
        (NAMESPACE + "x: .inf\n", "-:1: x: inf is no number that JSON has"),
        (PROFILE + "spec: 7\n", "NetworkProfile own: spec: must be a mapping"),
        (RESOURCE + "spec: []\n", "SharedResource own: spec: must be a mapping"),
        (RESOURCE.replace("own", "own, generation: x"), "metadata.generation: must be a number"),
        (NAMESPACE.replace("photos", r'"\e[31mred"'), r"'\x1b[31mred' is no name"),
        (NAMESPACE.replace("photos", '"[red]photos[/red]"'), "'[red]photos[/red]' is no name"),
        (NAMESPACE.replace("photos", "a.b"), "'a.b' is no name"),
        (NAMESPACE + "---\n" + NAMESPACE + "  labels: {a: b}\n", "-:6: Namespace photos is given"),
    ],
)
def test_an_object_that_the_api_server_would_refuse_is_named_with_its_place(
    given: str, said: str
) -> None:
    assert said in refused(given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            NAMESPACE + "  labels: {network-policy.homelab/profile: standart}\n",
            "Problem: -:1: Namespace photos: There is no profile 'standart'; no profile is in"
            " force. Did you mean 'standard'? (ProfileUnknown)",
        ),
        (
            NAMESPACE.replace("photos", "kube-system")
            + "  labels: {network-policy.homelab/profile: standard}\n",
            "(ProfileRefused)",
        ),
        (PROFILE + "spec: {egress: [{toPorts: 7}]}\n", "NetworkProfile own: spec.egress[0]"),
        (PROFILE + "spec: {extends: nothing}\n", "(ExtendsUnknown)"),
        (RESOURCE + "spec: {ports: [{a: {}}]}\n", "SharedResource own: spec"),
        (RESOURCE + "spec: null\n", "(SpecInvalid)"),
        (PROFILE + r'spec: {extends: "\e[31m"}' + "\n", "NetworkProfile own"),
    ],
)
def test_what_cannot_be_followed_is_said_with_its_place_and_the_status_says_no(
    given: str, said: str
) -> None:
    result = rendered(NAMESPACE.replace("photos", "beside") + "---\n" + given, "-o", "json")
    assert result.exit_code == 1, result.output
    assert said.replace("-:1:", "-:6:") in result.stderr
    problems = yaml.safe_load(result.stdout)["problems"]
    assert [each["source"] for each in problems] == ["-:6"]


def test_other_kinds_and_other_documents_are_counted_aloud() -> None:
    config = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: a}\n"
    route = "---\napiVersion: traefik.io/v1\nkind: IngressRoute\nmetadata: {name: a}\n"
    app = "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: '${APP}'}\n"
    result = rendered(NAMESPACE + config * 2 + route + app + "---\nreplicas: 3\n")
    assert result.exit_code == 0
    for said in (
        "2 Secret",
        "1 traefik.io/IngressRoute",
        "1 Deployment with a variable in its name",
        "1 documents without apiVersion and kind",
    ):
        assert said in result.stderr


def test_lists_and_several_documents_and_json_are_read() -> None:
    items = [{"metadata": {"name": "a"}}, {"metadata": {"name": "b"}}]
    listed = yaml.safe_dump({"apiVersion": "v1", "kind": "NamespaceList", "items": items})
    one = '{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "c"}}'
    text = f"\ufeff{listed}---\r\n{one}\n--- # nothing\n...\n"
    for name in ("a", "b", "c"):
        assert rendered(text, "-n", name).exit_code == 0
    assert "there is no such Namespace" in refused(text, "-n", "d")


def test_what_kubectl_prints_of_a_cluster_is_taken_as_it_is() -> None:
    nothing = "apiVersion: v1\nitems: []\nkind: List\nmetadata: {resourceVersion: ''}\n"
    core = "---\napiVersion: apiregistration.k8s.io/v1\nkind: APIService\nmetadata: {name: v1.}\n"
    done = rendered(nothing + core, "-o", "table")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "baseline-dns-egress" in done.stdout
