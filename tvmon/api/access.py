"""
Who may read: everybody, whoever has the token, or whoever has the user's password.

The token comes as ``Authorization: Bearer TOKEN``, or as the password of HTTP Basic with any
user name, since a browser can send nothing else to open the page and its events.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from dataclasses import dataclass, field
from hmac import compare_digest

REALM = b'realm="tvmon"'


@dataclass(frozen=True, slots=True)
class Access:
    """
    What a request must show to be answered.  The default lets everybody in.

    :param allow_anonymous: lets everybody in whatever else is set
    """

    token: str | None = field(default=None, repr=False)
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    allow_anonymous: bool = False

    def __post_init__(self) -> None:
        if bool(self.user) != bool(self.password):
            raise ValueError("a user needs a password, and a password a user")

    @property
    def is_open(self) -> bool:
        """Whether everybody may read."""
        return self.allow_anonymous or not (self.token or self.password)

    def admits(self, authorization: bytes | None) -> bool:
        """Whether the value of an ``Authorization`` header is good enough."""
        if self.is_open:
            return True
        scheme, _, credentials = (authorization or b"").strip().partition(b" ")
        if scheme.lower() == b"bearer":
            return self._is_token(credentials.strip())
        if scheme.lower() == b"basic":
            user, password = _basic(credentials)
            return self._is_user(user, password) | self._is_token(password)
        return False

    def challenges(self) -> tuple[bytes, ...]:
        """The values of ``WWW-Authenticate``; Basic first, which makes a browser ask."""
        basic = b"Basic " + REALM + b', charset="UTF-8"'
        return (basic, b"Bearer " + REALM) if self.token else (basic,)

    def _is_token(self, given: bytes) -> bool:
        return bool(self.token) and compare_digest(given, (self.token or "").encode())

    def _is_user(self, user: bytes, password: bytes) -> bool:
        # Both are always compared, so that the time tells nothing of which was wrong.
        same_user = compare_digest(user, (self.user or "").encode())
        same_password = compare_digest(password, (self.password or "").encode())
        return bool(self.user) and same_user & same_password


def _basic(credentials: bytes) -> tuple[bytes, bytes]:
    """User and password of HTTP Basic; both empty where they cannot be read."""
    try:
        user, colon, password = b64decode(credentials.strip(), validate=True).partition(b":")
    except binascii.Error:
        return b"", b""
    return (user, password) if colon else (b"", b"")
