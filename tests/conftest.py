"""Settings for every test."""

from hypothesis import settings

# Nodes and other tests share the machine: how long one example takes says nothing.
settings.register_profile("detect", deadline=None)
settings.load_profile("detect")
