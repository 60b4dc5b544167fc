"""From intents to policies, and to what must be written. Pure: no Kopf, no cluster."""
