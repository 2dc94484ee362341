"""The append-only, hash-chained record of every action and every refusal. Imports no other app."""
