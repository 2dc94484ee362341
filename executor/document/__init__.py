"""The job document as a whole: reading it, judging it, describing it. No Spark."""
