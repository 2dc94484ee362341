"""Files in the lake: where an address leads, whether an input can be read, how outputs become visible."""
