"""Looks at files of a lake: what a file is, how it could be read, and the job that reads it."""
