"""`recommend`: labels from flows and policies."""
