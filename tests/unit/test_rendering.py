"""Templates: values stay values, mistakes are found, and nothing that Cilium rejects comes out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from homelab_netpol.policy.keys import Kind
from homelab_netpol.policy.rendering import Renderer, RenderError, json_for_yaml

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda children: st.lists(children) | st.dictionaries(st.text("ab\"':{}\n\u2028"), children),
)


@given(_JSON)
def test_whatever_a_template_prints_is_read_back_as_the_same_value(value: object) -> None:
    assert yaml.safe_load(f"key: {json_for_yaml(value)}")["key"] == value


def render(tmp_path: Path, text: str, **variables: str) -> object:
    (tmp_path / "policy.yaml.j2").write_text(text)
    body, _ = Renderer([tmp_path], {"setting": {"a": 1}}).body(
        "policy", Kind.CNP, remember=True, **variables
    )
    return body


HEAD = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n"


@pytest.mark.parametrize(
    "value",
    [
        "a: b",
        '"}], "egress": [{"toEntities": ["all"]}]',
        "x\n  egress: []",
        "{{ 7*7 }}",
        "&a",
        "*a",
    ],
)
def test_a_hostile_value_stays_one_string(tmp_path: Path, value: str) -> None:
    rules = "  endpointSelector: {}\n  ingress: [{fromEntities: [host]}]\n"
    text = f"{HEAD}spec:\n  description: {{{{ value }}}}\n{rules}"
    assert render(tmp_path, text, value=value) == {
        "spec": {
            "description": value,
            "endpointSelector": {},
            "ingress": [{"fromEntities": ["host"]}],
        }
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{{ nowhere }}", "nowhere"),
        ("{% if %}", "line 1"),
        ("{{ setting.__class__.__mro__ }}", "unsafe"),
        ("{{ value | safe }}", "safe"),
        ("{{ 1 / 0 }}", "division"),
        (": :", "YAML"),
        ("[]", "no object"),
        ("apiVersion: v1\nkind: Pod\nspec: {}", "must render cilium.io/v2"),
        (HEAD + "metadata: {namespace: kube-system}\nspec: {}", "must not set metadata"),
        (HEAD, "either `spec`"),
        (HEAD + "spec: {ingress: [{}]}", "endpointSelector"),
        (HEAD + "spec: {endpointSelector: {}}", "rejected by Cilium"),
        (HEAD + "spec: {endpointSelector: {}, ingress: [], egress: []}", "denies nothing"),
        (HEAD + "specs: []", "either `spec`"),
        (HEAD + "spec: {endpointSelector: {}, ingress: {fromEntities: [all]}}", "must be a list"),
        (HEAD + "spec: {endpointSelector: {}, egress: [all]}", "must be an object"),
        ("{% include '../../etc/passwd' %}", "not found"),
        ("#" * 300_000, "larger than"),
    ],
)
def test_a_wrong_template_is_told_with_its_name(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(RenderError) as caught:
        render(tmp_path, text, value="x")
    assert "policy" in str(caught.value) or "passwd" in str(caught.value)
    assert says in str(caught.value)


def test_a_directory_given_first_wins_and_the_rest_is_still_found(tmp_path: Path) -> None:
    own, builtin = tmp_path / "own", tmp_path / "builtin"
    for folder, names in ((own, ["a"]), (builtin, ["a", "b", "_part"])):
        (folder / "profiles").mkdir(parents=True)
        for name in names:
            rules = f"spec: {{endpointSelector: {{}}, ingress: [{{}}], description: {folder.name}}}"
            (folder / "profiles" / f"{name}.yaml.j2").write_text(HEAD + rules)
    renderer = Renderer([own, builtin], {})
    assert renderer.names("profiles") == ["a", "b"]
    assert renderer.body("profiles/a", Kind.CNP)[0]["spec"]["description"] == "own"
    assert renderer.body("profiles/b", Kind.CNP)[0]["spec"]["description"] == "builtin"


NAMES = [f"namespace-{number}" for number in range(150)]


@pytest.mark.parametrize("names", [NAMES[:5], NAMES])
@pytest.mark.parametrize(
    "printed",
    [
        "{{ names }}",
        "[{% for name in names %}{{ name }},{% endfor %}]",
        "{{ names }}  # {{ names }}",
    ],
)
def test_a_list_of_any_length_is_read_back_wherever_it_is_printed(
    tmp_path: Path, names: list[str], printed: str
) -> None:
    (tmp_path / "policy.yaml.j2").write_text(
        f"{HEAD}spec:\n  endpointSelector: {{}}\n  ingress:\n  - fromEndpoints:\n"
        "    - matchExpressions:\n      - key: a\n        operator: In\n"
        f"        values: {printed}\n"
    )
    body, _ = Renderer([tmp_path], {}).body("policy", Kind.CNP, names=names)
    [rule] = body["spec"]["ingress"]
    [selector] = rule["fromEndpoints"]
    assert selector["matchExpressions"][0]["values"] == names


def test_a_list_in_the_middle_of_a_string_is_printed_as_it_is(tmp_path: Path) -> None:
    rules = "  endpointSelector: {}\n  ingress: [{fromEntities: [host]}]\n"
    (tmp_path / "policy.yaml.j2").write_text(
        f"{HEAD}spec:\n  description: 'for {{{{ names }}}}'\n{rules}"
    )
    body, _ = Renderer([tmp_path], {}).body("policy", Kind.CNP, names=NAMES)
    assert body["spec"]["description"] == f"for {json.dumps(NAMES)}"
