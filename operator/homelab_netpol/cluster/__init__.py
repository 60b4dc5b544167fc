"""Requests to the API server. What is requested is decided elsewhere: mostly in reconcile/."""
