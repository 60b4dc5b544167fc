"""Reads a file of policy tests; every error names its line. Pure.

Nothing is guessed: a field that is not known is an error, as a test that is not run protects
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NoReturn

import yaml

from homelab_netpol.access.ends import Ports
from homelab_netpol.cilium.terms import LAST_PORT, TRANSPORT_PROTOCOLS
from homelab_netpol.manifests.nesting import refuse_deep
from homelab_netpol.policy_tests.model import PolicyTest

KIND = "NetworkPolicyTest"
API_VERSION = "network-policy.homelab/v1alpha1"
# By which a folder's test files are known.
SUFFIXES = (".netpol-test.yaml", ".netpol-test.yml")

_DOCUMENT_FIELDS = ("apiVersion", "kind", "metadata", "tests")
_TEST_FIELDS = ("name", "from", "to", "port", "expect")
_EXPECTED = {"allowed": True, "denied": False}
_MAX_TESTS = 10_000
_MAX_ENDS = 100
_LONGEST_TEXT = 500
_PORT = re.compile(r"([1-9][0-9]{0,4})(?:/([A-Za-z]+))?")
_NULL = "tag:yaml.org,2002:null"


class BrokenTestFile(Exception):
    """A file of policy tests cannot be used; the message names file and line."""


def read_tests(raw: bytes, file: str) -> list[PolicyTest]:
    """The tests of a file, of one document of YAML or several.

    Args:
        raw: its contents.
        file: how errors and results name it.

    Raises:
        BrokenTestFile: it is not understood as a whole, or holds no test.
    """
    try:
        text = raw.decode("utf-8-sig")
        refuse_deep(text)
        documents = list(yaml.compose_all(text, Loader=yaml.CSafeLoader))
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise BrokenTestFile(f"{file}:{line}: not UTF-8 text") from None
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f":{mark.line + 1}:{mark.column + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or "it holds what is no text"
        raise BrokenTestFile(f"{file}{place}: not valid YAML: {problem}") from None
    reader = _Reader(file)
    found = [test for node in documents if node is not None for test in reader.document(node)]
    if not found:
        raise BrokenTestFile(f"{file}: holds no test; it needs `tests:`, a list of them")
    return found


class _Reader:
    """Walks the nodes of one file, which know their lines."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._names: dict[str, int] = {}

    def document(self, node: yaml.Node) -> Iterator[PolicyTest]:
        fields = self._mapping(node, "a file of policy tests", _DOCUMENT_FIELDS)
        for field, expected in (("apiVersion", API_VERSION), ("kind", KIND)):
            if field in fields and self._text(fields[field], field) != expected:
                self._fail(fields[field], f"{field}: must be {expected}, or left out")
        if "tests" not in fields:
            self._fail(node, "tests: is missing; it needs a list of tests")
        tests = fields["tests"]
        if not isinstance(tests, yaml.SequenceNode):
            self._fail(tests, "tests: must be a list of tests")
        if not tests.value:
            self._fail(tests, "tests: is empty; a file without a test protects nothing")
        for index, each in enumerate(tests.value):
            if len(self._names) == _MAX_TESTS:
                self._fail(each, f"more than {_MAX_TESTS:,} tests in one file")
            yield self._test(each, f"tests[{index}]")

    def _test(self, node: yaml.Node, path: str) -> PolicyTest:
        fields = self._mapping(node, path, _TEST_FIELDS)
        for field in _TEST_FIELDS:
            if field not in fields:
                self._fail(node, f"{path}.{field}: is missing")
        name = self._text(fields["name"], f"{path}.name")
        if name in self._names:
            self._fail(
                fields["name"],
                f"{path}.name: {name!r} is the name of the test in line {self._names[name]}, too",
            )
        self._names[name] = _line(node)
        word = self._text(fields["expect"], f"{path}.expect")
        if word not in _EXPECTED:
            self._fail(fields["expect"], f"{path}.expect: must be allowed or denied, not {word!r}")
        return PolicyTest(
            name,
            self._file,
            _line(node),
            self._texts(fields["from"], f"{path}.from"),
            self._texts(fields["to"], f"{path}.to"),
            tuple(self._ports(fields["port"], f"{path}.port")),
            _EXPECTED[word],
        )

    def _ports(self, node: yaml.Node, path: str) -> Iterator[Ports]:
        for text in self._texts(node, path):
            found = _PORT.fullmatch(text)
            protocol = (found[2] or "TCP").upper() if found else ""
            if found is None or int(found[1]) > LAST_PORT or protocol not in TRANSPORT_PROTOCOLS:
                self._fail(
                    node, f"{path}: {text!r} is no port; write 5432, 5432/TCP, 53/UDP or 1/SCTP"
                )
            yield Ports.one(int(found[1]), protocol)

    def _texts(self, node: yaml.Node, path: str) -> tuple[str, ...]:
        """One word, or a list of them."""
        if not isinstance(node, yaml.SequenceNode):
            return (self._text(node, path),)
        if not 0 < len(node.value) <= _MAX_ENDS:
            self._fail(node, f"{path}: must list 1 to {_MAX_ENDS}")
        return tuple(self._text(each, f"{path}[{i}]") for i, each in enumerate(node.value))

    def _text(self, node: yaml.Node, path: str) -> str:
        if not isinstance(node, yaml.ScalarNode) or node.tag == _NULL or not node.value.strip():
            self._fail(node, f"{path}: must be text, and not empty")
        text: str = node.value.strip()
        if len(text) > _LONGEST_TEXT or not text.isprintable():
            self._fail(
                node, f"{path}: must be one line of at most {_LONGEST_TEXT} printable characters"
            )
        return text

    def _mapping(self, node: yaml.Node, path: str, known: tuple[str, ...]) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            self._fail(node, f"{path}: must be a mapping with {', '.join(known)}")
        fields: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else None
            if name not in known:
                self._fail(key, f"{path}: unknown field {name!r}; known are {', '.join(known)}")
            if name in fields:
                self._fail(key, f"{path}: the field {name} is given twice")
            fields[name] = value
        return fields

    def _fail(self, node: yaml.Node, problem: str) -> NoReturn:
        raise BrokenTestFile(f"{self._file}:{_line(node)}: {problem}")


def _line(node: yaml.Node) -> int:
    line: int = node.start_mark.line
    return line + 1
