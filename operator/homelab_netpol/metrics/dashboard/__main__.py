"""Prints the dashboard."""

import json

from homelab_netpol.metrics.dashboard import dashboard

if __name__ == "__main__":
    print(json.dumps(dashboard(), indent=2))
