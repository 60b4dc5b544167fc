"""What the page calls what the document abbreviates. Pure."""

from __future__ import annotations

# As `state` says them, in the order of the page. Others are shown by their own name.
STATES = {
    "enforced": "Enforced",
    "hatch": "Hatch open",
    "unlabelled": "Unlabelled",
    "invalid": "Invalid labels",
    "pending": "Not in force yet",
    "platform": "Platform",
    "platformIncomplete": "Platform, incomplete",
    "unknown": "Unknown",
}

# What a connection is allowed by, as `by` says it, in the order of the legend.
WORDS = {
    "profile": "a profile",
    "grant": "a grant",
    "opening": "an annotation or label that opens",
    "companion": "the other end of a grant",
    "policy": "a policy by hand",
    "hatch": "an open hatch",
    "open": "no policy at all",
    "everybody": "what everybody has: DNS, probes, metrics",
}

LIMITS = {
    "policyMapEntries": "Entries in the fullest policy map, estimated",
    "policyMapMax": "Entries that a policy map holds",
    "identities": "Identities",
    "identitiesMax": "Identities that Cilium can have",
}

TOTALS = {
    "namespaces": ("Namespace", "Namespaces"),
    "pods": ("pod", "pods"),
    "podsOutside": ("pod outside of policy", "pods outside of policy"),
    "policies": ("policy", "policies"),
}
