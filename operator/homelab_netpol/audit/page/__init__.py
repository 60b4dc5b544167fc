"""The audit as one HTML page that needs nothing else and requests nothing. Pure."""

from homelab_netpol.audit.page.render import render_page

__all__ = ["render_page"]
