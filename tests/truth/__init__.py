"""Truth: what the operator writes, against a table that a person can read. See README.md."""
