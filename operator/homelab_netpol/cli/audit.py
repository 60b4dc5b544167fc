"""`homelab-netpol audit`: how far is a cluster from zero trust, and what to do first?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from homelab_netpol.cli.options import InputOptions, config_option, input_options, output_option

if TYPE_CHECKING:
    from homelab_netpol.audit import Audit, Given, Risk

_FILE = click.Path(dir_okay=False, path_type=Path)
_LEVELS = ("high", "medium", "low", "none")


@click.command(short_help="Audit a cluster or a tree: what is open, and what to do first.")
@input_options()
@config_option
@output_option("table", "json", "markdown", "junit", "html")
@click.option(
    "--save",
    metavar="FILE",
    type=_FILE,
    help="Write the result into this file, whole or not at all, instead of printing it.",
)
@click.option(
    "--metrics",
    metavar="FILE",
    type=_FILE,
    help="Also write the counts into this file, in Prometheus' text format.",
)
@click.option(
    "--fail-on",
    type=click.Choice(_LEVELS),
    default="high",
    show_default=True,
    help="The least urgent thing to do for which the exit status is 1.",
)
def audit(
    inputs: InputOptions,
    config: Path | None,
    output: str,
    save: Path | None,
    metrics: Path | None,
    fail_on: str,
) -> None:
    """Audit a cluster, or the tree that describes it: what is open, why, and what to do first.

    Namespaces by state (enforced, hatch open, unlabelled, platform, invalid), rules wider than
    their words, default deny by direction, mutual TLS, whether anything enforces, what policies
    cost, pods that no policy holds, who may change labels, and who may talk to whom. What cannot be
    read is said, and never guessed. The cluster is read, and never written to.

    \b
    Examples:
      homelab-netpol audit
      homelab-netpol audit -f clusters/home -o markdown --fail-on medium
      homelab-netpol audit -o html --save audit.html --metrics audit.prom

    Exit status: 0 when nothing is as urgent as --fail-on says; 1 when something is; 2 when the
    command line, the settings or the input cannot be used; 3 when the cluster could not be read,
    or only in part.
    """  # click's mark of a paragraph that is not wrapped is the character
    from homelab_netpol.audit import Risk
    from homelab_netpol.audit import audit as examine
    from homelab_netpol.audit.junit import fails
    from homelab_netpol.cli.output import working
    from homelab_netpol.cli.status import FOUND, INCOMPLETE, InputError
    from homelab_netpol.manifests import ManifestError
    from homelab_netpol.policy.rendering import RenderError

    level = Risk(fail_on) if fail_on != "none" else None
    try:
        with working("Reading..."):
            given = _read(inputs, config)
        with working("Auditing..."):
            audited = examine(given)
    except (ManifestError, RenderError) as error:
        raise InputError(str(error)) from error
    text = _text(audited, output, level)
    if save is not None:
        _write(save, click.unstyle(text))
    else:
        click.echo(text, nl=False)
    if metrics is not None:
        from homelab_netpol.audit.metrics import metrics_text

        _write(metrics, metrics_text(audited))
    if given.manifests.gaps:
        raise SystemExit(INCOMPLETE)
    if any(fails(task, level) for task in audited.tasks):
        raise SystemExit(FOUND)


def _read(inputs: InputOptions, config: Path | None) -> Given:
    from datetime import UTC, datetime

    from homelab_netpol.audit import make_given
    from homelab_netpol.cli.inputs import read_manifests, read_settings
    from homelab_netpol.manifests import kinds

    settings = read_settings(config)
    texts: dict[str, str] = {}
    manifests = read_manifests(
        inputs,
        config_maps=[(settings.cilium.namespace, settings.cilium.config_map)],
        more_kinds=("PeerAuthentication", "AuthorizationPolicy", *sorted(kinds.RBAC)),
        texts=texts,
        with_rbac=True,
    )
    name = inputs.cluster.context or settings.cluster.name or ""
    source = f"cluster {name}".strip() if inputs.from_cluster else "files"
    return make_given(
        settings,
        manifests,
        datetime.now(UTC),
        source=source,
        from_cluster=inputs.from_cluster,
        texts=texts,
    )


def _text(audited: Audit, output: str, level: Risk | None) -> str:
    from homelab_netpol.audit.document import document
    from homelab_netpol.audit.junit import as_junit
    from homelab_netpol.cli.audit_view import as_markdown, as_table

    if output == "junit":
        return as_junit(audited, level)
    if output == "json":
        import orjson

        return orjson.dumps(document(audited), option=orjson.OPT_INDENT_2).decode() + "\n"
    if output == "html":
        from homelab_netpol.audit.page import render_page

        return render_page(document(audited))
    return as_markdown(audited) if output == "markdown" else as_table(audited)


def _write(path: Path, text: str) -> None:
    from homelab_netpol.cli.status import InputError
    from homelab_netpol.manifests.rewrite import write_whole

    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}") from error
