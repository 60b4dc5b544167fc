"""From a label to a packet, on a node with Cilium's own agent: see docs/datapath.md."""
