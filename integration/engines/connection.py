"""How to reach a cluster or a Kibana: address, credentials, certificates."""

from __future__ import annotations

import base64
import re
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

from integration.errors import InputError

DEFAULT_TIMEOUT = 60.0
_PRINTABLE = re.compile(r"[!-~]+")


@dataclass(frozen=True)
class Connection:
    """How to reach a cluster and who to be there.

    A user and a password in the URL are taken out of it, so that `url` can be shown. An option given besides wins.
    Raises `InputError` for options that cannot work.
    """

    url: str
    """`https://host:9200`, with a path if a proxy wants one."""
    api_key: str | None = field(default=None, repr=False)
    """As the cluster gave it: the encoded form, or `id:key`."""
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_certs: str | None = None
    """A PEM file, in place of the CAs this machine trusts."""
    client_cert: str | None = None
    client_key: str | None = None
    insecure: bool = False
    """Take any certificate."""
    timeout: float = DEFAULT_TIMEOUT
    """Seconds to wait for a connection, and then for each answer."""

    def __post_init__(self) -> None:
        url = _checked(self.url)
        host = f"[{url.hostname}]" if ":" in str(url.hostname) else url.hostname
        port = url.port or (443 if url.scheme == "https" else 80)
        object.__setattr__(self, "url", f"{url.scheme}://{host}:{port}{url.path.rstrip('/')}")
        if self.username is None and self.password is None and self.api_key is None and url.username:
            object.__setattr__(self, "username", unquote(url.username))
            object.__setattr__(self, "password", unquote(url.password or ""))
        if (self.username is None) != (self.password is None):
            raise InputError("A user name and a password go together: give --username, and DETECT_PASSWORD or --password-file")
        if self.api_key is not None and self.username is not None:
            raise InputError("Give either an API key, or a user name and a password")
        if self.api_key is not None and not _PRINTABLE.fullmatch(self.api_key):
            raise InputError("The API key holds blanks, line ends or other characters that no API key has")

    def headers(self) -> dict[str, str]:
        """Return the header that says who we are; none without credentials."""
        if self.api_key is not None:
            # An encoded key is base64 and so holds no colon.
            key = _base64(self.api_key) if ":" in self.api_key else self.api_key
            return {"authorization": f"ApiKey {key}"}
        if self.username is not None:
            return {"authorization": f"Basic {_base64(f'{self.username}:{self.password}')}"}
        return {}

    def ssl_context(self) -> ssl.SSLContext | None:
        """Return the certificates to trust and to show, None for a URL without TLS."""
        if not self.url.startswith("https://"):
            return None
        context = _trusting(self.ca_certs)
        if self.client_cert is not None:
            try:
                context.load_cert_chain(self.client_cert, self.client_key, password=_no_password)
            except (OSError, ValueError) as error:
                raise InputError(f"The client certificate {self.client_cert} cannot be used: {error}") from error
        if self.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def _checked(text: str) -> SplitResult:
    """Return the parts of a URL; no message shows the URL, since a mistyped one may hold a password anywhere."""
    url = None
    with suppress(ValueError):
        parts = urlsplit(text)
        if parts.port != 0:  # which raises for a port that is no number
            url = parts
    if url is None or url.query or url.fragment or "@" in url.path:
        raise InputError("--url must look like https://host:9200; characters like / @ # ? in a password are %-escaped")
    if url.scheme not in ("http", "https") or not url.hostname:
        raise InputError("--url must look like https://host:9200, with http:// or https:// and a host name")
    return url


def _trusting(ca_certs: str | None) -> ssl.SSLContext:
    if ca_certs is None:
        return ssl.create_default_context()
    try:
        return ssl.create_default_context(cafile=ca_certs)
    except (OSError, ValueError) as error:
        raise InputError(f"The CA certificates {ca_certs} cannot be read: {error}") from error


def _no_password() -> str:
    # Without an answer of ours OpenSSL asks at the terminal, also in a job that nobody watches.
    raise ValueError("its key is protected by a password, which is not supported")


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
