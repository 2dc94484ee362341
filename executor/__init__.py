"""The Spark program: checks, previews and runs job documents. Imports no Django and keeps nothing between runs."""
