"""The two ways to findings, the reference and the cluster, and where findings are kept."""
