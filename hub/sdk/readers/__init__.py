"""Pure readers that several plugins need: bytes or text in, plain values with their place out; no I/O."""
