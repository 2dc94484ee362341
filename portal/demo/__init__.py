"""The demo: its people, project, jobs and data; the supervisor that starts everything on one machine."""
