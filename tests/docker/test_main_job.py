"""The main job through the command line, on a cluster in a container: the tests of `tests/cluster`, with this folder's `node`."""

from tests.cluster.test_cli_on_nodes import *  # noqa: F403 - every test there, new ones too
