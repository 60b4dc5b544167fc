"""What would be cut off if the operator were installed now, with given settings.

Compares the cluster as it is with the cluster as it would be: by what the operator itself would
write and find, and by Cilium's rules. It makes no requests.
"""

from homelab_netpol.preflight.preflight import preflight
from homelab_netpol.preflight.problem import Problem, Report, Severity

__all__ = ["Problem", "Report", "Severity", "preflight"]
