"""What docker-compose.yml promises, read from the file: no engine is needed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
EXAMPLE = dict(
    line.split("=", 1) for line in (ROOT / ".env.example").read_text(encoding="utf-8").splitlines() if re.match(r"[A-Z_]+=", line)
)
FILE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
ONE_SHOT = {"certificates", "kibana-password"}
LASTING = sorted(set(SERVICES) - ONE_SHOT)


def variables(text: str) -> set[str]:
    return set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", text))


def test_opensearch_comes_by_default_and_elasticsearch_by_its_profile() -> None:
    profiles = {name: service.get("profiles") for name, service in SERVICES.items()}
    assert {name for name, named in profiles.items() if named is None} == {"certificates", "opensearch", "dashboards"}
    assert {name for name, named in profiles.items() if named == ["elasticsearch"]} == {
        "elasticsearch",
        "kibana-password",
        "kibana",
    }


def test_every_variable_stands_in_the_example_and_every_line_of_it_is_used() -> None:
    assert variables(TEXT) == set(EXAMPLE)


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_versions_are_pinned_in_the_example_alone(name: str) -> None:
    (variable,) = variables(SERVICES[name]["image"])
    assert SERVICES[name]["image"].startswith(f"${{{variable}:?")
    assert re.fullmatch(r"[\w./-]+:\d+\.\d+[\w.-]*", EXAMPLE[variable])


def test_servers_and_their_dashboards_are_of_one_version() -> None:
    tags = {name: EXAMPLE[name].rpartition(":")[2] for name in EXAMPLE if name.endswith("_IMAGE")}
    assert tags["OPENSEARCH_IMAGE"] == tags["DASHBOARDS_IMAGE"]
    assert tags["ELASTICSEARCH_IMAGE"] == tags["KIBANA_IMAGE"]


def test_the_example_holds_no_secret() -> None:
    secrets = {name: value for name, value in EXAMPLE.items() if name.endswith(("_PASSWORD", "_KEY"))}
    assert len(secrets) == 6
    assert set(secrets.values()) == {""}


def test_nothing_is_published_beyond_the_loopback_address() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(published) == 4
    assert all(port.startswith("127.0.0.1:${") for port in published)
    assert SERVICES["certificates"]["network_mode"] == "none"


@pytest.mark.parametrize("name", LASTING)
def test_what_lasts_is_watched_limited_and_restarted(name: str) -> None:
    service = SERVICES[name]
    assert "401" in service["healthcheck"]["test"]
    assert "--cacert" in service["healthcheck"]["test"]
    assert service["mem_limit"] == service["memswap_limit"]
    assert service["restart"] == "unless-stopped"
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_data_and_certificates_lie_in_named_volumes() -> None:
    assert set(FILE["volumes"]) == {"certificates", "opensearch-data", "elasticsearch-data"}
    assert "opensearch-data:/usr/share/opensearch/data" in SERVICES["opensearch"]["volumes"]
    assert "elasticsearch-data:/usr/share/elasticsearch/data" in SERVICES["elasticsearch"]["volumes"]
    for name in LASTING:
        assert any(
            re.fullmatch(r"certificates:/usr/share/.*/config/certificates:ro", volume) for volume in SERVICES[name]["volumes"]
        )


def test_tls_is_on_everywhere_and_the_demo_certificates_are_not_used() -> None:
    opensearch, elasticsearch = SERVICES["opensearch"]["environment"], SERVICES["elasticsearch"]["environment"]
    assert opensearch["plugins.security.ssl.http.enabled"] == "true"
    assert opensearch["DISABLE_INSTALL_DEMO_CONFIG"] == "true"
    assert "DISABLE_SECURITY_PLUGIN" not in opensearch
    assert elasticsearch["xpack.security.enabled"] == elasticsearch["xpack.security.http.ssl.enabled"] == "true"
    assert SERVICES["kibana"]["environment"]["SERVER_SSL_ENABLED"] == "true"
    dashboards = yaml.safe_load((ROOT / "compose" / "opensearch_dashboards.yml").read_text(encoding="utf-8"))
    assert dashboards["server.ssl.enabled"] is True
    assert dashboards["opensearch.ssl.verificationMode"] == "full"


def test_every_mounted_file_is_there() -> None:
    mounted = [v.split(":")[0] for s in SERVICES.values() for v in s["volumes"] if v.startswith("./")]
    assert len(mounted) == 4
    assert all((ROOT / path).is_file() for path in mounted)


def test_the_environment_file_is_not_committed() -> None:
    assert ".env" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
