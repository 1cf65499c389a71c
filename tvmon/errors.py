"""
What can go wrong on the way to a media server, in an operator's words.

    Trouble                 str() is the failed_reason of a sample; outcome labels the metric
      NoAnswer              the network or the server gave no whole HTTP answer
      BadAnswer             an answer came, and it is not what it should be

The outcome "internal" is a mistake of tvmon's own.
"""

from __future__ import annotations

from typing import Literal

Outcome = Literal[
    "ok",
    "timeout",
    "refused",
    "dns",
    "tls",
    "connection",
    "http",
    "redirect",
    "size",
    "body",
    "auth",
    "internal",
]


class Trouble(Exception):
    """
    Why nothing useful came from a media server.

    :param reason: one line for an operator, without any secret: no query string, no token
    :param outcome: one word of the closed set above, for counting
    """

    def __init__(self, reason: str, outcome: Outcome) -> None:
        super().__init__(reason)
        self.reason = reason
        self.outcome: Outcome = outcome


class NoAnswer(Trouble):
    """No whole HTTP answer: timeout, refused, dns, tls, connection, redirect, size."""


class BadAnswer(Trouble):
    """An answer that cannot be used: http (status), body (content), auth (who we are)."""
