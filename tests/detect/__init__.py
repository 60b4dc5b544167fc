"""What `detect` and `preflight` say of whole clusters, given as small dumps of their objects."""
