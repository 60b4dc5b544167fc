"""`python -m lab`: the group of all commands.

As in the operator's command line, what a command needs is imported when it runs.
"""

import click

from lab.cli.control_plane import build, down, status, up
from lab.cli.demo import demo

_EXAMPLES = """\
\b
Examples:
  python -m lab demo                 show what the operator does, then stay up
  python -m lab demo --once          show it and end
  python -m lab up                   start a control plane in the background
  python -m lab status -o json       where it is, for a script
  python -m lab down                 stop it and remove its data
"""


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EXAMPLES)
def main() -> None:
    """A Kubernetes control plane on this machine, without containers, and the demo on top of it.

    The control plane is a real API server with etcd, its controllers and Cilium's CRDs, but without
    nodes: policies can be written and read, Pods never start. Its programs are built when they are
    first needed, which takes some minutes.
    """


for _command in (demo, build, up, down, status):
    main.add_command(_command)
