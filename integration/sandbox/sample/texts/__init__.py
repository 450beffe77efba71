"""What the lines of a made-up log say, by version of Ollama."""

from integration.sandbox.sample.texts import v0_1_33, v0_1_33_attacks, v0_12_3, v0_12_3_attacks, v0_32_15, v0_32_15_attacks
from integration.sandbox.sample.texts.chatter import CHATTER
from integration.sandbox.sample.texts.episode import Episode, Passage, Texts

VERSIONS = (
    Texts("0.12.3", v0_12_3.STARTUP, v0_12_3.EVERYDAY, v0_12_3.NOISE, v0_12_3.FAULTS, v0_12_3_attacks.ATTACKS),
    Texts("0.32.15", v0_32_15.STARTUP, v0_32_15.EVERYDAY, v0_32_15.NOISE, v0_32_15.FAULTS, v0_32_15_attacks.ATTACKS),
    Texts("0.1.33", v0_1_33.STARTUP, v0_1_33.EVERYDAY, v0_1_33.NOISE, v0_1_33.FAULTS, v0_1_33_attacks.ATTACKS),
)
"""One for each time in which logs differ much; the first is that of a single host."""

__all__ = ["CHATTER", "VERSIONS", "Episode", "Passage", "Texts"]
