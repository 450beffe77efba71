"""Made-up Ollama logs, the same for the same seed: everyday ones, faulty ones, and ones of a server under attack."""

from integration.sandbox.sample.clock import Prefix
from integration.sandbox.sample.files import SampleFile, write_files
from integration.sandbox.sample.generator import DEFAULT_SCENARIOS, Plan, generate, start_of_last
from integration.sandbox.sample.scenario import Scenario
from integration.sandbox.sample.truth import Occurrence, occurrences, write_truth

__all__ = [
    "DEFAULT_SCENARIOS",
    "Occurrence",
    "Plan",
    "Prefix",
    "SampleFile",
    "Scenario",
    "generate",
    "occurrences",
    "start_of_last",
    "write_files",
    "write_truth",
]
