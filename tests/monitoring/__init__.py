"""Alerts, dashboard and metrics, held against Prometheus itself."""
