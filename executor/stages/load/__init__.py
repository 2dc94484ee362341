"""Stage types that load: one file each."""
