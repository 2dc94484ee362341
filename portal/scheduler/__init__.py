"""The scheduler process: one loop that sweeps runs, starts what is due, and delivers alerts."""
