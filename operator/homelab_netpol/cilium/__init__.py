"""What is known of Cilium: its terms, its selectors, what it rejects, and what it lets pass. Pure.

The lowest layer of the package: it imports no other. A new release of Cilium is read against this
folder alone.
"""
