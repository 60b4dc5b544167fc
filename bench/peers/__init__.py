"""Other operators for the same job, to be measured beside ours: see README.md."""
