"""Asking for, approving and going back on what is live in an environment."""
