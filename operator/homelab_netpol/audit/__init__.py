"""The zero-trust audit of a cluster or a tree. Pure."""
