"""What happens while a job runs or is previewed."""
