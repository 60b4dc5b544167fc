"""Is everything there that the operator needs, and does it do its work? And a report of it.

Judges what was read of a cluster. Requests are for `cluster/` to make.
"""

from homelab_netpol.doctor.doctor import examine
from homelab_netpol.doctor.installation import Installation
from homelab_netpol.doctor.result import Report, Result, Status

__all__ = ["Installation", "Report", "Result", "Status", "examine"]
