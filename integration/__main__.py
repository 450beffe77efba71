"""The process `detect`."""

from __future__ import annotations

from integration.cli import main as run
from integration.cli.standard_output import take_over


def main() -> None:
    """Run the command."""
    take_over()
    run()


if __name__ == "__main__":
    main()
