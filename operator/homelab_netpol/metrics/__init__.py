"""What the operator measures: the metrics, their reference page, and the dashboard that shows them.

Knows nothing of the cluster, and nothing of what the numbers come from.
"""

from homelab_netpol.metrics.measured import PREFIX, Metrics, drop_series

__all__ = ["PREFIX", "Metrics", "drop_series"]
