"""The demo on real packets: a pod's connection, dropped and let through by labels.

Whether a packet passed is never computed: an answer came, or Cilium's agent says that it dropped
just this one.
"""
