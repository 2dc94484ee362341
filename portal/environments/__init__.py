"""Environments (dev, test, prod) with their parameters and compute profiles; the vault that encrypts what must stay secret."""
