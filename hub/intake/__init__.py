"""Raw messages: store, dedupe, parse, park, block, replay."""
