"""The one place that talks to an API server. It decides nothing: reconcile/ does."""
