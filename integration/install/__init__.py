"""Desired objects against a cluster: compare, put, read back, remove."""
