"""On two whole clusters what is recommended lets everything needed pass, by Cilium's own word."""

from __future__ import annotations

import pytest

from homelab_netpol.recommendation.from_policies import needs_of_policies
from homelab_netpol.recommendation.plan import Plan
from homelab_netpol.recommendation.recommend import recommend
from lab.control_plane import Engine
from tests.cases.labelled import judged
from tests.recommendation.clusters import apps_of, case_named, needed_flows, seen, unlabelled

# How many words, and how many unwanted flows pass: from what is needed, by the cluster; with the
# fewest words, or (True) with what opens the least. The words written by hand (tests/cases/words)
# are 26 and 105, by which 85 and 48 unwanted flows pass.
RECOMMENDED = {
    ("media-house", "flows", False): (12, 89),
    ("media-house", "flows", True): (15, 88),
    ("media-house", "policies", False): (16, 89),
    ("one-app-a-namespace", "flows", False): (89, 65),
    ("one-app-a-namespace", "flows", True): (98, 48),
    ("one-app-a-namespace", "policies", False): (94, 61),
}


def recommended(name: str, source: str, *, narrow: bool) -> Plan:
    case = case_named(name)
    model, apps = unlabelled(case, name).model, apps_of(case)
    if source == "policies":
        read = needs_of_policies(model, apps)
        assert read.broad == []
        needs = read.needs
    else:
        collected = seen(needed_flows(case))
        needs = collected.needs(model)
        assert collected.left_out.unknown == {}
    assert len(needs) == len(set(case.needed))
    return recommend(model, needs, apps, without_policies=True, narrow=narrow)


@pytest.mark.parametrize(("name", "source", "narrow"), RECOMMENDED)
def test_every_needed_flow_passes_and_no_more_words_are_said_than_it_takes(
    engine: Engine, name: str, source: str, narrow: bool
) -> None:
    plan = recommended(name, source, narrow=narrow)
    assert plan.unmet == []
    assert all(each.is_smallest for each in plan.labels.values())
    policies = [
        {**each, "metadata": {"uid": str(each["metadata"]), **each["metadata"]}}
        for each in plan.after.in_force
    ]
    outcome = judged(engine, case_named(name), policies)
    assert outcome.cut_off == ()
    unwanted = len(outcome.open) + len(outcome.beyond)
    assert (plan.size, unwanted) == RECOMMENDED[name, source, narrow]
