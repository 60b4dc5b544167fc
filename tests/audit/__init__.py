"""`homelab-netpol audit`."""
