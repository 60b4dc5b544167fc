"""The image, its workflows and its release: what can be proven without a container engine."""
