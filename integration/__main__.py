"""The process `detect`."""

from __future__ import annotations

import os

from integration.cli import main as run
from integration.cli.standard_output import take_over


def main() -> None:
    """Run the command."""
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # looking for other packages' plugins takes time, and none is ours
    take_over()
    run()


if __name__ == "__main__":
    main()
