"""`homelab-netpol completion`: prints what makes a shell complete the commands."""

from __future__ import annotations

import click


@click.command(short_help="Print the script that makes a shell complete commands and options.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(click_context: click.Context, shell: str) -> None:
    """Print the script that makes a shell complete commands and options.

    \b
    Examples:
      homelab-netpol completion bash > ~/.local/share/bash-completion/completions/homelab-netpol
      homelab-netpol completion zsh > "${fpath[1]}/_homelab-netpol"
      homelab-netpol completion fish > ~/.config/fish/completions/homelab-netpol.fish

    kubectl completes `kubectl netpol` by itself, from version 1.26 on: it runs
    `kubectl_complete-netpol`, which is installed beside this command.

    Names of Namespaces and shared resources come from the cluster that the command line leads to:
    it is asked for two seconds at the most, and nothing is completed without an answer.

    Exit status: 0; 2 when the command line is wrong.
    """
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    if found is None:  # the choices are click's own shells
        raise click.UsageError(f"{shell} is not supported")
    program = "homelab-netpol"
    variables = {
        "complete_func": "_homelab_netpol_completion",
        "complete_var": "_HOMELAB_NETPOL_COMPLETE",
        "prog_name": program,
    }
    # Not `source()`, which for bash starts one to see how old it is.
    click.echo(found.source_template % variables)
