"""The lab: a real control plane without containers, Cilium's engine, and the demo. Not shipped."""
