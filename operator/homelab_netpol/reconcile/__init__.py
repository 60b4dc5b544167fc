"""From an event to what is written: event handlers, triggers, queue, workers, reconciler, writer."""
