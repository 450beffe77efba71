"""The zone of access lines' clocks that an installation puts into the pipeline."""

from __future__ import annotations

import pytest

from integration.errors import InputError
from integration.install.gin_timezone import installed_timezone, timezone_of
from integration.install.shared_objects import shared_objects
from integration.install.streams import Streams
from integration.names import API, DATASETS, PROMPTS, SERVER
from tests.support.builders import RULE

BERLIN = Streams(gin_timezone="Europe/Berlin")


@pytest.mark.parametrize("text", ["Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT-2", "UTC", "none"])
def test_a_zone_has_an_area(text: str) -> None:
    assert timezone_of(text) == text


@pytest.mark.parametrize(
    "text", ["", "Berlin", "Europe/Berlim", "CET", "utc", "Z", "+02:00", "../UTC", "/etc/localtime", "Europe/"]
)
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"--gin-timezone '.*' is not a time zone; write one such as Europe/Berlin, UTC or none"):
        timezone_of(text)


@pytest.mark.parametrize("engine", ["elasticsearch", "opensearch"])
def test_the_pipeline_of_lines_alone_names_the_zone(engine: str) -> None:
    found = {
        dataset: installed_timezone(each.body)
        for each in shared_objects([RULE], engine, BERLIN)
        for dataset in DATASETS
        if each.name == dataset.pipeline
    }
    assert found == {SERVER: "Europe/Berlin", API: None, PROMPTS: None}


def test_the_zone_is_known_before_the_clock_is_read_and_all_else_stays() -> None:
    (plain, *_), (zoned, *_) = (shared_objects([RULE], "opensearch", streams) for streams in (Streams(), BERLIN))
    added = [each for each in zoned.body["processors"] if each not in plain.body["processors"]]
    assert [each["set"]["value"] for each in added] == ["Europe/Berlin"]
    tags = [next(iter(each.values()))["tag"] for each in zoned.body["processors"]]
    assert tags[tags.index("gin-timezone") + 1] == "named"
    assert [each for each in zoned.body["processors"] if each not in added] == plain.body["processors"]
    assert installed_timezone(plain.body) is None
    assert plain.body["description"] != zoned.body["description"]  # which has the hash of the content
