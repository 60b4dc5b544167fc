"""What would be cut off if the operator were installed now, with given settings."""
