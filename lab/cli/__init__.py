"""The lab's command line."""
