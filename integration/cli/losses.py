"""How lost lines are told, by the verbs that count them."""

from __future__ import annotations

from collections.abc import Iterable

from integration.cli.output import note
from integration.commands.losses import Loss


def note_losses(losses: Iterable[Loss], index: str) -> None:
    """Note each kind of document that there is: how many, from where, and what mends them."""
    for loss in losses:
        if loss.count:
            senders = f"\nSent by: {'; '.join(loss.senders)}" if loss.senders else ""
            mend = f"\nTo mend it, {loss.mend}" if loss.mend else ""
            note(f"{loss.count:,} document{'s' * (loss.count != 1)} in {index} {loss.text}.{senders}{mend}")
