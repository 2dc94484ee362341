"""Stage types that execute: one file each."""
