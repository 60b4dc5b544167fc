"""Results as JUnit XML, which CI systems show. Pure.

The structure is what Jenkins, GitLab and GitHub's actions read in common: `testsuites`, a
`testsuite` for each file, a `testcase` for each test, with `failure` or `error` inside.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from itertools import groupby

from homelab_netpol.policy_tests.judge import Result, Status

# XML 1.0 has no way to write these.
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_junit(results: Sequence[Result], gaps: Iterable[str] = ()) -> str:
    """The document.

    Args:
        results: those of one file stand together.
        gaps: in sentences, what could not be read of the cluster.
    """
    known = list(gaps)
    root = ET.Element("testsuites", {"name": "homelab-netpol", **_counts(results)})
    for file, of_file in groupby(results, key=lambda each: each.test.file):
        cases = list(of_file)
        suite = ET.SubElement(root, "testsuite", {"name": xml_text(file), **_counts(cases)})
        if known:
            properties = ET.SubElement(suite, "properties")
            for gap in known:
                ET.SubElement(
                    properties, "property", {"name": "incomplete", "value": xml_text(gap)}
                )
        for case in cases:
            _add_case(suite, case)
    return junit_document(root)


def junit_document(root: ET.Element) -> str:
    """An element of `testsuites` as a file holds it."""
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _add_case(suite: ET.Element, result: Result) -> None:
    test = result.test
    names = {"name": xml_text(test.name), "classname": xml_text(test.file)}
    place = {"file": xml_text(test.file), "line": str(test.line), "time": "0"}
    case = ET.SubElement(suite, "testcase", {**names, **place})
    if result.status is Status.PASSED:
        return
    tag, kind = ("failure", "AccessDiffers") if result.status is Status.FAILED else ("error", "")
    attributes = {"message": xml_text(result.reason), "type": kind or "NotAnswered"}
    element = ET.SubElement(case, tag, attributes)
    element.text = xml_text(f"{test.file}:{test.line}: {test.question}\n{result.reason}")


def _counts(results: Sequence[Result]) -> dict[str, str]:
    by_status = [each.status for each in results]
    return {
        "tests": str(len(results)),
        "failures": str(by_status.count(Status.FAILED)),
        "errors": str(by_status.count(Status.ERROR)),
        "skipped": "0",
        "time": "0",
    }


def xml_text(text: str) -> str:
    """Text from elsewhere, without what XML 1.0 cannot hold."""
    return _NO_XML.sub("\ufffd", text)
