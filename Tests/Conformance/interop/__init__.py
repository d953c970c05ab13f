"""Foreign clients that play the interop table against interop-server: one module each, one line for each case."""
