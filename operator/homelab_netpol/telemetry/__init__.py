"""What the process shows of itself: metrics, probes, the debug page, the log."""
