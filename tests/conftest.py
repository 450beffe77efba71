"""Settings for every test."""

from hypothesis import settings

from tests.cluster.servers import SERVERS

# Nodes and other tests share the machine: how long one example takes says nothing.
settings.register_profile("detect", deadline=None)
settings.load_profile("detect")


def pytest_report_header() -> str:
    """Say which servers the tests on real nodes are for, since that depends on the machine."""
    return f"real nodes: {', '.join(SERVERS)}"
