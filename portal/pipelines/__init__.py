"""Pipelines: jobs that depend on each other, their runs and schedules."""
