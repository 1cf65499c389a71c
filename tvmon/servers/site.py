"""
Where a media server's API is, how tvmon gets in, and what its streams are called.

Here is where secrets stop: the password goes into a header and nowhere else, and of a stream's
name only what may be shown goes on to anybody.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from tvmon.errors import BadAnswer
from tvmon.servers import Answer
from tvmon.servers.addresses import http_url
from tvmon.servers.answers import good_body
from tvmon.settings import Section
from tvmon.streams import Stream
from tvmon.words import cleaned, has_control_characters

PATH_CHARACTERS = 500
"""How long the path of a stream, ``live/cam1``, may be."""

SHOWN_OF_SECRET = 3
"""How many characters of a name that is a secret are shown."""

_SECRETS_FROM = ("?", ";", "&token=", "&key=")


class Unusable(ValueError):  # noqa: N818 - it reads as the sentence that it is
    """Why an entry of an answer is left out."""


@dataclass(frozen=True, slots=True)
class Site:
    """
    One media server's API.

    :param name: of its section in the configuration
    :param url: without a slash at its end
    :param user: and ``password``: for HTTP's Basic scheme
    :param secret_names: the names of streams are stream keys, and are shown as ``abc~5f2c01``
    """

    name: str
    url: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    secret_names: bool = False

    @classmethod
    def configured(cls, section: Section, user: str | None = None) -> Site:
        """
        Read ``name``, ``url``, ``user``, ``password`` and ``secret_names``.

        :param user: where the section gives a password and no user
        """
        name = section.text("name")
        url = section.text("url", check=http_url).rstrip("/")
        given = section.maybe_text("user", user, check=_no_colon)
        password = section.secret("password")
        if "user" in section and password is None and not section.has_secret("password"):
            section.problem("password", "is missing: a user needs one")
        if given is None and password is not None:
            section.problem("user", "is missing: a password needs one")
        secret_names = section.flag("secret_names", default=False)
        return cls(name, url, given if password else None, password, secret_names)

    @classmethod
    def at(cls, sample_interface: str) -> tuple[Site, Stream]:
        """The site and the stream that a ``sample_interface`` leads to, without a password."""
        url, _, path = sample_interface.partition("#")
        site = cls("", url.rstrip("/"))
        return site, site.stream(unquote(path) or "-")

    @property
    def authorization(self) -> tuple[tuple[str, str], ...]:
        """The header that lets us in, if any."""
        if self.password is None:
            return ()
        pair = base64.b64encode(f"{self.user}:{self.password}".encode()).decode("ascii")
        return (("Authorization", f"Basic {pair}"),)

    def good(self, answer: Answer) -> bytes:
        """The body of an answer of status 200; BadAnswer for any other, of ``auth`` for 401."""
        if answer.status in (401, 403):
            if self.password is None:
                words = f"HTTP {answer.status}: the server asks for a user and a password"
            else:
                words = f"HTTP {answer.status}: the user or the password is refused"
            raise BadAnswer(words, "auth")
        return good_body(answer, () if self.password is None else (self.password,))

    def stream(self, path: str, stream_id: int | None = None) -> Stream:
        """
        The stream that the server knows by this path, ``live/cam1``; Unusable.

        Nothing behind a ``?`` or a ``;`` belongs to its name: that is where tokens are.
        """
        shown = self.shown(path)
        return Stream.of(
            self.name,
            shown,
            stream_id,
            cleaned(f"{self.name}/{shown}", 2 * PATH_CHARACTERS),
            f"{self.url}#{quote(shown, safe='/')}",
        )

    def shown(self, path: str) -> str:
        """What of a stream's path may be shown, and tells it from all others; Unusable."""
        for mark in _SECRETS_FROM:
            path = path.partition(mark)[0]
        path = path.strip("/")
        if not path:
            raise Unusable("it has no name")
        if len(path) > PATH_CHARACTERS:
            raise Unusable(f"its name is longer than {PATH_CHARACTERS} characters")
        if has_control_characters(path):
            path = cleaned(path, PATH_CHARACTERS)
        if not self.secret_names:
            return path
        place, slash, name = path.rpartition("/")
        digest = hashlib.blake2b(path.encode(), digest_size=3).hexdigest()
        return f"{place}{slash}{name[:SHOWN_OF_SECRET]}~{digest}"


@dataclass(frozen=True, slots=True)
class OfSite:
    """What the media servers of one site have in common; each kind adds how to begin."""

    site: Site

    @property
    def name(self) -> str:
        """The name of its section in the configuration."""
        return self.site.name

    @property
    def extra_streams(self) -> tuple[Stream, ...]:
        """None: what the server does not list is not to be had."""
        return ()


def _no_colon(text: str) -> str | None:
    return "must hold no colon, which ends it in HTTP" if ":" in text else None
