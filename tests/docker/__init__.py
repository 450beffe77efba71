"""Tests on a cluster in a container, marked `docker`: they need a Docker engine."""
