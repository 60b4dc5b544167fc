"""Goes through a page as a reader does, from the first command to the last."""

from __future__ import annotations

from pathlib import Path

from lab.control_plane import ControlPlane, Lab
from tests.docs.commands import Desk, Failed
from tests.docs.deployed import Deployed
from tests.docs.pages import ROOT, Command, SavedFile, pages
from tests.docs.scenes import scene_of

AUDIT_POLICY = ROOT / "manifests" / "audit" / "policy.yaml"


def told() -> list[str]:
    """The pages that have something to run."""
    return [page for page in pages() if scene_of(page).runs]


def audit_flags(log: Path) -> tuple[str, str]:
    """Flags for an API server that records what our audit policy says."""
    return f"--audit-policy-file={AUDIT_POLICY}", f"--audit-log-path={log}"


def go_through(page: str, lab: Lab, folder: Path) -> list[Failed]:
    """Does all that a page shows, in order, on a cluster of its own.

    Returns:
        What is not as the page says. It is gone on after a failure, as the next command may do.
    """
    scene = scene_of(page)
    wanted = [*scene.before, *(command.text for command in scene.runs)]
    # Two dozen definitions more: half as long again to start.
    istio = any("authorizationpolicies" in text for text in wanted)
    tiers = any("clusternetworkpolicies" in text for text in wanted)
    log = folder / "audit.log"
    failures = []
    with (
        ControlPlane(
            lab=lab,
            validator=True,
            istio=istio,
            crds=lab.network_policy_api_crds if tiers else (),
            apiserver_flags=audit_flags(log),
        ) as plane,
        Deployed(plane, folder) as deployed,
    ):
        desk = Desk(folder, plane, deployed, log, wanted)
        for script in scene.before:
            desk.run(_behind_the_scenes(script))
        for step in scene.steps:
            if isinstance(step, SavedFile):
                desk.save(step)
                continue
            for script in scene.interludes.get(step.text, ()):
                desk.run(_behind_the_scenes(script))
            try:
                desk.run(step)
            except Failed as failure:
                failures.append(failure)
    return failures


def _behind_the_scenes(script: str) -> Command:
    return Command(script, "tests/docs/scenes.yaml", 0)
