"""A node with TLS and a user, as a production cluster has them."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import shutil
import ssl
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from integration.sandbox.local import Node, NodeOptions, running_node
from integration.sandbox.local.account import Account
from integration.sandbox.local.cache import Cache, Report
from integration.sandbox.local.maven import Artifact, Maven
from integration.sandbox.local.opensearch_home import OpenSearch
from integration.sandbox.local.servers import distribution

_ROUNDS = 10_000
_IN_RULE_FRAMEWORK = Artifact("org.apache.commons", "commons-collections4", "4.4")
"""What the security plugin would find in the module `rule-framework`, which Maven Central does not have."""
# What `admin` has in the shipped file, of twelve rounds: a node checks a password again after every change of a user or a role.
_SLOW_HASH = re.compile(r'(?m)^admin:\n  hash: ".*"$')
_QUICK_HASH = 'admin:\n  hash: "$2y$04$Yl3nM0b8vXq1Z7cWkD5tOefEb5mXLTg3RJIn0halcvsydp4W3U.26"'
_WITH_SECURITY = {"2": "2.19.1", "3": "3.4.0"}

_CLIENT_CERTIFICATES: dict[str, dict[str, object]] = {
    "opensearch": {"plugins.security.ssl.http.clientauth_mode": "REQUIRE"},
    "elasticsearch": {
        "xpack.security.http.ssl.client_authentication": "required",
        "xpack.security.http.ssl.certificate_authorities": ["ca.pem"],
    },
}


@dataclass(frozen=True)
class SecureNode:
    """A node, the CA that its certificate comes from, and a user who may do everything."""

    node: Node
    ca_certs: str
    username: str
    password: str


CLIENT_PEM = "client.pem"
"""The client's certificate and key in the folder of a node that asks for them."""


@contextmanager
def secure_node(engine: str, version: str | None, folder: Path, *, client_certificates: bool = False) -> Iterator[SecureNode]:
    """Start a node whose certificate a CA made for this run has signed; the CA's PEM file goes to `folder`.

    An OpenSearch is the one that `with_security` names.
    With `client_certificates` it talks to nobody who shows no certificate of that CA.
    """
    authority = trustme.CA()
    ca_certs = folder / "ca.pem"
    authority.cert_pem.write_to_path(ca_certs)
    tls = ssl.create_default_context()
    authority.configure_trust(tls)
    if client_certificates:
        client = authority.issue_cert("client.test", common_name="client.test")
        client.private_key_and_cert_chain_pem.write_to_path(folder / CLIENT_PEM)
        client.configure_cert(tls)
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    pems = {
        "node.pem": "".join(pem.bytes().decode() for pem in certificate.cert_chain_pems),
        "node.key": _pkcs8(certificate.private_key_pem.bytes()),
        "ca.pem": authority.cert_pem.bytes().decode(),
    }
    if engine == "opensearch":
        version = with_security(version)
        options, password = _opensearch(version, pems, tls), "admin"
    else:
        password = secrets.token_urlsafe()
        options = _elasticsearch(password, pems, tls)
    if client_certificates:
        options = replace(options, settings={**options.settings, **_CLIENT_CERTIFICATES[engine]})
    with running_node(engine, version, options=options, report=lambda line: print(line, file=sys.stderr)) as node:  # noqa: T201
        yield SecureNode(node, str(ca_certs), "admin", password)


def with_security(version: str | None) -> str:
    """Return the newest OpenSearch of the same major version, or of the default one, whose security plugin is on Maven Central."""
    return _WITH_SECURITY[distribution("opensearch", version).version.partition(".")[0]]


def _pkcs8(key: bytes) -> str:
    """Return a private key in the one form that OpenSearch 2 reads."""
    read = load_pem_private_key(key, None)
    return read.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _opensearch(version: str, pems: dict[str, str], tls: ssl.SSLContext) -> NodeOptions:
    """The security plugin with the users and roles that it ships: `admin` has the password `admin`."""
    cache = Cache.open(Account.for_node())
    plugin = security_plugin(version, cache, print)
    shipped = {f"opensearch-security/{path.name}": path.read_text() for path in (plugin / "config").glob("*.yml")}
    shipped = {name: _SLOW_HASH.sub(_QUICK_HASH, text) for name, text in shipped.items()}
    settings: dict[str, object] = {
        "plugins.security.password.hashing.bcrypt.rounds": 4,
        "plugins.security.allow_default_init_securityindex": True,
        "plugins.security.ssl.http.enabled": True,
        "plugins.security.ssl.transport.enforce_hostname_verification": False,
        "plugins.security.restapi.roles_enabled": ["all_access"],
    }
    for layer in ("http", "transport"):
        settings |= {
            f"plugins.security.ssl.{layer}.pemcert_filepath": "node.pem",
            f"plugins.security.ssl.{layer}.pemkey_filepath": "node.key",
            f"plugins.security.ssl.{layer}.pemtrustedcas_filepath": "ca.pem",
        }
    return NodeOptions(settings=settings, files={**pems, **shipped}, home=_with_plugin(version, plugin, cache), tls=tls)


def security_plugin(version: str, cache: Cache, report: Report) -> Path:
    """Return the unpacked folder of OpenSearch's security plugin."""
    archive = Artifact("org.opensearch.plugin", "opensearch-security", f"{version}.0", "zip")

    def build(folder: Path) -> None:
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            maven = Maven(report)
            with zipfile.ZipFile(maven.fetch(archive, Path(scratch))) as opened:
                opened.extractall(folder)
            shutil.copy(maven.fetch(_IN_RULE_FRAMEWORK, Path(scratch)), folder)
        descriptor = folder / "plugin-descriptor.properties"
        # It offers something to modules which Maven Central does not have, and works without them.
        descriptor.write_text(re.sub(r"^extended\.plugins=.*$", "extended.plugins=", descriptor.read_text(), flags=re.MULTILINE))

    return cache.assembled(f"{archive.name}-{archive.version}-1", build, report)


def _with_plugin(version: str, plugin: Path, cache: Cache) -> Path:
    """Return a home with the plugin: a server looks for plugins there, and OpenSearch 2 may read nothing outside of it."""

    def build(home: Path) -> None:
        shutil.copytree(OpenSearch(version).assemble(cache, print), home, dirs_exist_ok=True)
        shutil.copytree(plugin, home / "plugins" / "opensearch-security")

    return cache.assembled(f"opensearch-with-security-{version}-1", build, print)


def _elasticsearch(password: str, pems: dict[str, str], tls: ssl.SSLContext) -> NodeOptions:
    """The built-in security with one user in a file."""
    settings: dict[str, object] = {
        "xpack.security.enabled": True,
        "xpack.security.authc.password_hashing.algorithm": "bcrypt4",
        "xpack.security.http.ssl.enabled": True,
        "xpack.security.http.ssl.certificate": "node.pem",
        "xpack.security.http.ssl.key": "node.key",
        "xpack.security.transport.ssl.enabled": False,
    }
    files = {"users": f"admin:{_pbkdf2(password)}\n", "users_roles": "superuser:admin\n", "roles.yml": ""}
    return NodeOptions(settings=settings, files={**pems, **files}, tls=tls)


def _pbkdf2(password: str) -> str:
    """Hash a password in the form that Elasticsearch's file realm reads."""
    salt = secrets.token_bytes(32)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ROUNDS, 32)
    return f"{{PBKDF2}}{_ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"
