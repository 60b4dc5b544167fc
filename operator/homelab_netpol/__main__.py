"""Lets `python -m homelab_netpol` stand in for the `homelab-netpol` command."""

from homelab_netpol.cli.main import main

if __name__ == "__main__":
    main()
