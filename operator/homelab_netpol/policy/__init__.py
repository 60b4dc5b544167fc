"""From intents to the policies that should stand, and what must change. Pure: no Kopf, no cluster."""
