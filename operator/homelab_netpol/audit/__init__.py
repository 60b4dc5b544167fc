"""The zero-trust audit of a cluster, or of the tree that describes it: what is so, what to do.

It judges what stands, by Cilium's rules and by the operator's own checks. It makes no requests.
"""

from homelab_netpol.audit.audit import audit
from homelab_netpol.audit.given import Given, make_given
from homelab_netpol.audit.result import Audit, Risk

__all__ = ["Audit", "Given", "Risk", "audit", "make_given"]
