"""The process `detect`: takes secrets out of its title, which every user of the machine can read, and only then loads the rest."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence

from setproctitle import setproctitle

_SECRETS = ("--password", "--api-key")
# Up to the last @: a mistyped URL may hold a password anywhere before it.
_USER_IN_URL = re.compile(r"(?<=://).*@", re.DOTALL)
_HIDDEN = "***"


def main() -> None:
    """Run the command."""
    shown = list(without_secrets(sys.argv[1:]))
    if shown != sys.argv[1:]:
        setproctitle(" ".join(["detect", *shown]))
        print(  # noqa: T201
            "A secret on the command line stays in the shell's history, and others can see it for a moment: "
            "--password-file, --api-key-file and the environment keep it out of both.",
            file=sys.stderr,
        )
    from integration.cli import main as run
    from integration.cli.standard_output import take_over

    take_over()
    run()


def without_secrets(arguments: Sequence[str]) -> Iterator[str]:
    """Give the arguments of a command line with `***` in place of passwords and API keys."""
    before = ""
    for argument in arguments:
        name, equals, _ = argument.partition("=")
        if before in _SECRETS:
            yield _HIDDEN
        elif equals and name in _SECRETS:
            yield f"{name}={_HIDDEN}"
        else:
            yield _USER_IN_URL.sub(f"{_HIDDEN}@", argument)
        before = argument


if __name__ == "__main__":
    main()
