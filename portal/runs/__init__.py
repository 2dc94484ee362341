"""Runs, attempts, stage runs and logs; the launcher, the worker's task, the sweeper and the preview service."""
