"""Starting and stopping real nodes on this machine, without Docker, for the demo and the tests.

The way of a node: a server's home is fetched by Maven and assembled once (`maven`, `opensearch_home`,
`elasticsearch_home`, kept by `cache`), a Java is found (`java`), and a `Node` runs it on the loopback address.
`running_node` is for a `with` block; `up`, `down` and `status` are for nodes that stay.
"""

from integration.errors import NodeError
from integration.sandbox.local.named import Outcome, default_name, down, status, up
from integration.sandbox.local.node import Node, NodeOptions
from integration.sandbox.local.servers import running_node
from integration.sandbox.local.state import NodeRecord

__all__ = [
    "Node",
    "NodeError",
    "NodeOptions",
    "NodeRecord",
    "Outcome",
    "default_name",
    "down",
    "running_node",
    "status",
    "up",
]
