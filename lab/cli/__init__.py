"""The lab's command line: the demo, and a control plane in the background."""
