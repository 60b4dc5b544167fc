"""From an event to a write: event handlers, triggers, queue, workers, reconciler, writer."""
