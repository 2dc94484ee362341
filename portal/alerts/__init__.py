"""Telling people about failed and late runs: rules, channels, alerts, deliveries."""
