"""Stage types that validate: one file each."""
