"""What is known of the cluster, and in which resourceVersion. Reads and writes memory only."""
