"""What people see: Events on Namespaces, log lines, and the metrics that belong to them."""
