"""A node with real packets: Cilium's own agent in namespaces of its own, without containers."""
