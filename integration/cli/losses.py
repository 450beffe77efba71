"""How lost lines are told, by the verbs that count them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from integration.cli.junit import TestCase
from integration.cli.output import note
from integration.commands.losses import Loss


def note_losses(losses: Iterable[Loss], index: str) -> None:
    """Note each kind of document that there is: how many, from where, and what mends them."""
    for loss in losses:
        if loss.count:
            senders = f"\nSent by: {'; '.join(loss.senders)}" if loss.senders else ""
            mend = f"\nTo mend it, {loss.mend}" if loss.mend else ""
            note(f"{loss.count:,} document{'s' * (loss.count != 1)} in {index} {loss.text}.{senders}{mend}")


def loss_cases(losses: Iterable[Loss]) -> Iterator[TestCase]:
    """Yield a case for CI of each kind of document, which fails where lines are lost."""
    for loss in losses:
        yield TestCase(loss.kind, "documents", (f"{loss.count:,} documents {loss.text}",) if loss.fault else ())
