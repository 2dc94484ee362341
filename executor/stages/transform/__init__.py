"""Stage types that transform: one file each."""
