"""Each alert fires when it should, not before, and is over when it should be."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from homelab_netpol.cilium.enforcement import Impairment
from tests.monitoring import shipped_rules
from tests.monitoring.promtool import promtool
from tests.monitoring.shipped_rules import Json

CASES = Path(__file__).with_name("rules")
DOCS = Path(__file__).parents[2] / "docs"
BASE = "https://github.com/homelab-netpol/homelab-netpol/blob/main/docs/alerts.md#"


def judged(alert: str, folder: Path, spec: Json) -> tuple[bool, str]:
    """Whether the cases of an alert come out with these rules, and what promtool says."""
    shipped_rules.write(spec, folder / "rules.yaml")
    case = folder / f"{alert}.yaml"
    case.write_text((CASES / case.name).read_text(encoding="utf-8"), encoding="utf-8")
    result = promtool("test", "rules", case)
    return result.returncode == 0, result.stdout + result.stderr


def cases(alert: str) -> list[Json]:
    """The cases of an alert."""
    loaded = yaml.safe_load((CASES / f"{alert}.yaml").read_text(encoding="utf-8"))
    tests: list[Json] = loaded["tests"]
    return tests


def wait(rule: Json, factor: float) -> None:
    """Has an alert wait so many times as long, by `for` or by the seconds in its expression."""
    if "for" in rule:
        rule["for"] = f"{int(int(rule['for'].removesuffix('m')) * 60 * factor)}s"
        return
    past = re.search(r"> (\d{3,})", rule["expr"])
    limit = past or re.search(r"< (\d{3,})", rule["expr"])
    assert limit is not None
    # Of what is still to come there must be less left.
    seconds = int(int(limit[1]) * (factor if past else 1 / factor))
    rule["expr"] = rule["expr"].replace(limit[1], str(seconds))


def test_prometheus_takes_the_rules_and_finds_nothing_to_mend(tmp_path: Path) -> None:
    shipped_rules.write(shipped_rules.rules_file(), tmp_path / "rules.yaml")
    result = promtool("check", "rules", "--lint=all", "--lint-fatal", tmp_path / "rules.yaml")
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("alert", shipped_rules.alert_names())
def test_an_alert_fires_not_before_and_resolves(alert: str, tmp_path: Path) -> None:
    passed, said = judged(alert, tmp_path, shipped_rules.rules_file())
    assert passed, said


@pytest.mark.parametrize("alert", shipped_rules.alert_names())
def test_the_cases_see_an_alert_quiet_then_firing_then_quiet(alert: str) -> None:
    seen = [
        [bool(check["exp_alerts"]) for check in case.get("alert_rule_test", ())]
        for case in cases(alert)
    ]
    assert [False, True, False] in [each[:3] for each in seen]


@pytest.mark.parametrize("alert", shipped_rules.alert_names())
@pytest.mark.parametrize("change", ["later", "sooner"])
def test_the_cases_notice_an_alert_that_waits_longer_or_less(
    alert: str, change: str, tmp_path: Path
) -> None:
    spec = shipped_rules.rules_file()
    for rule in shipped_rules.rules(spec):
        if rule.get("alert") == alert:
            wait(rule, 1.5 if change == "later" else 0.5)
    passed, said = judged(alert, tmp_path, spec)
    assert not passed, said


@pytest.mark.parametrize("rule", shipped_rules.alerts(), ids=lambda rule: rule["alert"])
def test_an_alert_says_how_bad_it_is_what_happened_and_where_to_read_on(rule: Json) -> None:
    assert rule["labels"]["severity"] in ("info", "warning", "critical")
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    anchor = rule["annotations"]["runbook_url"].removeprefix(BASE)
    assert anchor == rule["alert"].lower()
    # GitHub makes the anchor of a heading from its text, in lower case.
    headings = re.findall(r"^## (\w+)$", (DOCS / "alerts.md").read_text("utf-8"), re.MULTILINE)
    assert rule["alert"] in headings


def test_every_reason_for_which_policies_are_not_enforced_has_its_row() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| (critical|warning) \|", (DOCS / "alerts.md").read_text(), re.M
    )
    assert [reason for reason, _ in rows] == [each.value for each in Impairment]
    rules = [rule for rule in shipped_rules.alerts() if rule["alert"] == "NetworkPolicyNotEnforced"]
    listed = {"|".join(reason for reason, severity in rows if severity == "critical")}
    assert {re.findall(r'reason[=!]~"([^"]+)"', rule["expr"])[0] for rule in rules} == listed


def test_the_runbook_has_no_alert_that_does_not_exist() -> None:
    text = (DOCS / "alerts.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\bNetworkPolicy[A-Z]\w+", text)) <= set(shipped_rules.alert_names())


def test_alerts_that_name_a_namespace_name_it_in_words() -> None:
    for rule in shipped_rules.alerts():
        if re.search(r"by \([^)]*namespace", rule["expr"]) or ":kept" in rule["expr"]:
            assert "$labels.namespace" in rule["annotations"]["summary"], rule["alert"]
            assert "$labels.namespace" in rule["annotations"]["description"], rule["alert"]
