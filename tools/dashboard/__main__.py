"""Prints the dashboard as JSON."""

import json

from tools.dashboard import dashboard

if __name__ == "__main__":
    print(json.dumps(dashboard(), indent=2))
