"""Stage types that extract: one file each."""
