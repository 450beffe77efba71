"""The workflow's matrix, and that it and docker-compose.yml speak of the same versions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from tests.support.docker.cluster import pinned

ROOT = Path(__file__).parents[3]
WORKFLOW: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
IMAGES: list[str] = WORKFLOW["jobs"]["clusters"]["strategy"]["matrix"]["image"]


def test_the_matrix_has_both_engines_in_both_lines() -> None:
    assert [re.sub(r"(:\d+\.\d+).*", r"\1", image) for image in IMAGES] == [
        "opensearchproject/opensearch:2.19",
        "opensearchproject/opensearch:3.9",
        "elasticsearch:8.19",
        "elasticsearch:9.4",
    ]
    assert {pinned("OPENSEARCH_IMAGE"), pinned("ELASTICSEARCH_IMAGE")} < set(IMAGES)


def test_every_make_target_that_it_calls_is_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    steps = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]
    called = {found[1] for step in steps if (found := re.match(r"make ([a-z-]+)", step.get("run", "")))}
    assert called == {"check", "test", "test-long", "test-docker", "audit", "sbom"}
    assert called <= targets


def test_every_job_is_bounded_and_may_only_read() -> None:
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert all(job["timeout-minutes"] <= 60 for job in WORKFLOW["jobs"].values())
