"""An audit as JUnit XML: a test case for each Namespace, and one for the cluster. Pure."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import defaultdict

from homelab_netpol.audit.result import Audit, Risk, Task
from homelab_netpol.policy_tests.junit import junit_document, xml_text

_CLUSTER = "the cluster"
_ORDER = list(Risk)


def fails(task: Task, level: Risk | None) -> bool:
    """Whether a task is as urgent as a level, or more; None: none is."""
    return level is not None and _ORDER.index(task.risk) <= _ORDER.index(level)


def as_junit(audit: Audit, level: Risk | None) -> str:
    """The document.

    Args:
        audit: the audit.
        level: a test case fails with a task of this risk, or a higher one; None: none fails.
    """
    tasks: defaultdict[str, list[Task]] = defaultdict(list)
    for task in audit.tasks:
        tasks[task.namespace or _CLUSTER].append(task)
    names = [_CLUSTER, *(each.name for each in audit.namespaces)]
    failing = {
        name: [task for task in tasks[name] if fails(task, level)] for name in (*names, *tasks)
    }
    counts = {
        "tests": str(len(failing)),
        "failures": str(sum(1 for each in failing.values() if each)),
        "errors": "0",
        "skipped": "0",
        "time": "0",
    }
    root = ET.Element("testsuites", {"name": "homelab-netpol", **counts})
    suite = ET.SubElement(root, "testsuite", {"name": "audit", **counts})
    if audit.not_seen:
        properties = ET.SubElement(suite, "properties")
        for each in audit.not_seen:
            ET.SubElement(properties, "property", {"name": "not seen", "value": xml_text(each)})
    for name, failed in failing.items():
        case = {"name": xml_text(name), "classname": "audit", "time": "0"}
        element = ET.SubElement(suite, "testcase", case)
        if failed:
            first = failed[0]
            message = {"message": xml_text(first.what), "type": first.rule}
            failure = ET.SubElement(element, "failure", message)
            failure.text = xml_text("\n".join(map(_line, failed)))
        rest = [each for each in tasks[name] if not fails(each, level)]
        if rest:
            output = ET.SubElement(element, "system-out")
            output.text = xml_text("\n".join(map(_line, rest)))
    return junit_document(root)


def _line(task: Task) -> str:
    return f"{task.risk} {task.rule}: {task.what} {task.why} Do: {task.do}"
