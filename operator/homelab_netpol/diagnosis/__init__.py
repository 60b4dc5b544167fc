"""Why flows are dropped, and the one change that lets each pass. Pure.

Verdicts and changes are `access/`'s, which asks Cilium's rules; here flows become questions.
"""
