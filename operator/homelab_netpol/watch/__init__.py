"""List and watch: the reflector of what the operator writes, and the periodic resync."""
