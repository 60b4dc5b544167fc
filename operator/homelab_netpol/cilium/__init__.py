"""What is known of Cilium: its terms, its selectors, what it rejects, what it lets pass. Pure."""
