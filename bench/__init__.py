"""Measurements: ours beside a peer's, alternately in one session. `make bench`."""
