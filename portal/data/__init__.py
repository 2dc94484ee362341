"""Data of a project: files that people bring, what lies in each environment's lake, and taking rows home."""
