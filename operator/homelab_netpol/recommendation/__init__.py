"""Which labels a Namespace should have, from what its app does. Pure."""
