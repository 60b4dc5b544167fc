"""What things cost against the number of Namespaces, drawn from a file of measurements."""
