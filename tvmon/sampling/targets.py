"""
URLs as they are asked for: checked, encoded and taken apart once, however often they are polled.

Working out a URL costs about as much as a tenth of the whole poll, and a stream's URL does not
change, so the newest ones are kept.
"""

from __future__ import annotations

import base64
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import unquote, urljoin

import idna
from hyperlink import EncodedURL
from twisted.web.client import URI

from tvmon import __version__
from tvmon.words import has_control_characters

TARGETS_KEPT = 16_384
"""How many URLs are kept worked out, about a kilobyte each."""

URL_CHARACTERS = 8_192
"""The longest URL; servers take less."""

_PORTS = {"http": 80, "https": 443}


class UnusableURLError(ValueError):
    """A URL that cannot be asked; says why, in words that repeat nothing of it but the host."""


class ReadyURL(EncodedURL):
    """
    A URL that is already as it goes over the wire.

    treq encodes every URL anew for every request, with an encoder that refuses IPv6 literals
    and names with an underscore.  This one tells it that there is nothing left to do.
    """

    _wire: str

    def to_uri(self) -> ReadyURL:
        """Itself."""
        return self

    def to_text(self, with_password: bool = False) -> str:  # noqa: ARG002 - it holds none
        """As it goes over the wire; put together once."""
        try:
            return self._wire
        except AttributeError:
            self._wire = super().to_text()
            return self._wire


class Origin(NamedTuple):
    """
    Where a connection leads, and what it may be used again for.

    :param host: a name in ASCII, or an IP address without brackets
    """

    scheme: str
    host: str
    port: int

    @property
    def secure(self) -> bool:
        """Whether TLS is spoken."""
        return self.scheme == "https"

    @property
    def netloc(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if _PORTS[self.scheme] == self.port else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Target:
    """
    A URL worked out.

    :param authorization: the header that stands for the user and password in the URL; these
        are nowhere else any more
    :param get: a GET request for it, as it goes over the wire
    """

    url: ReadyURL
    origin: Origin
    authorization: str | None
    get: bytes = field(repr=False)

    def follow(self, location: str) -> Target:
        """Where a redirect leads; UnusableURLError."""
        try:
            joined = urljoin(self.url.to_text(), location)
        except ValueError:
            raise UnusableURLError("the URL's host or port cannot be read") from None
        return target_of(joined)


def target_of(text: str) -> Target:
    """Work out a URL; UnusableURLError where it cannot be asked."""
    if len(text) > URL_CHARACTERS:
        raise UnusableURLError(f"the URL is longer than {URL_CHARACTERS} characters")
    if has_control_characters(text):
        raise UnusableURLError("the URL holds a control character")
    try:
        given = EncodedURL.from_text(text.strip())
    except (ValueError, TypeError):
        raise UnusableURLError("the URL's host or port cannot be read") from None
    scheme = given.scheme.lower()
    if scheme not in _PORTS:
        raise UnusableURLError("the URL does not begin with http:// or https://")
    if not given.host:
        raise UnusableURLError("the URL names no host")
    port = _PORTS[scheme] if given.port is None else given.port
    if not 0 < port < 65_536:
        raise UnusableURLError("the URL's port is not within 1 and 65535")
    host = _wire_host(given.host)
    # Encoded without the host, since hyperlink's encoder for that is too strict.
    rest = EncodedURL(path=given.path, query=given.query, rooted=True).to_uri()
    url = ReadyURL(scheme, host, rest.path or ("",), rest.query, port=port)
    if not url.to_text().isascii():
        raise UnusableURLError("the URL cannot be encoded")
    origin, authorization = Origin(scheme, host, port), _authorization(given.userinfo)
    return Target(url, origin, authorization, _get(url, origin, authorization))


def usual_headers(origin: Origin, authorization: str | None) -> Iterator[tuple[str, str]]:
    """What is sent with every request to an origin."""
    yield "Host", origin.netloc
    yield "User-Agent", f"tvmon/{__version__}"
    yield "Accept", "*/*"
    yield "Accept-Encoding", "identity"
    if authorization is not None:
        yield "Authorization", authorization


def _get(url: ReadyURL, origin: Origin, authorization: str | None) -> bytes:
    path = URI.fromBytes(url.to_text().encode("ascii")).originForm
    headers = "".join(
        f"{name}: {value}\r\n" for name, value in usual_headers(origin, authorization)
    )
    return b"GET %s HTTP/1.1\r\n%s\r\n" % (path, headers.encode("ascii"))


class Targets:
    """The newest URLs, worked out."""

    def __init__(self, kept: int = TARGETS_KEPT) -> None:
        self._kept = kept
        self._targets: OrderedDict[str, Target] = OrderedDict()

    def __len__(self) -> int:
        return len(self._targets)

    def of(self, text: str) -> Target:
        """The URL, worked out; UnusableURLError."""
        target = self._targets.get(text)
        if target is None:
            target = self._targets[text] = target_of(text)
            if len(self._targets) > self._kept:
                self._targets.popitem(last=False)
        else:
            self._targets.move_to_end(text)
        return target


@lru_cache(maxsize=1_024)
def is_address(host: str) -> bool:
    """Whether a host is an IP address, so that there is no name to look up."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _wire_host(host: str) -> str:
    if is_address(host):
        return host
    if host.isascii():
        # Not only what may be registered: names inside a house hold underscores, too.
        if not all(c.isalnum() or c in "-._" for c in host):
            raise UnusableURLError("the URL's host name holds a character that none can hold")
        return host.lower()
    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except UnicodeError:
        raise UnusableURLError("the URL's host name cannot be encoded") from None


def _authorization(userinfo: str) -> str | None:
    if not userinfo:
        return None
    user, _, password = userinfo.partition(":")
    pair = f"{unquote(user)}:{unquote(password)}".encode()
    return f"Basic {base64.b64encode(pair).decode('ascii')}"
