"""The settings that fit a cluster, by what stands in it: who resolves, who lets in, who scrapes.

Pure. What is certain becomes a setting with its evidence; what is not, a question to the owner.
"""

from homelab_netpol.detect.detect import detect
from homelab_netpol.detect.found import Detected
from homelab_netpol.detect.written import as_file

__all__ = ["Detected", "as_file", "detect"]
