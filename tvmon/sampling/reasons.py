"""
Why there is no answer, in an operator's words; pure.

Nothing of a URL but its host gets into them, and nothing that a server sent.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from OpenSSL.SSL import Error as TLSError
from service_identity import VerificationError
from twisted.internet import error as network

from tvmon.errors import NoAnswer
from tvmon.sampling.dialing import Step
from tvmon.sampling.names import UnresolvedError

_NOT_TLS = (
    "wrong version number",
    "record layer failure",
    "packet length too long",
    "unknown proto",
)


@dataclass(frozen=True, slots=True)
class Progress:
    """
    How far a request had come.

    :param received: bytes of head and body together, as they came over the wire
    :param body: bytes of the body
    :param length: how many the head promised
    """

    host: str
    step: Step
    received: int = 0
    body: int = 0
    length: int | None = None

    def bytes_of_body(self) -> str:
        """``120 bytes``, or ``120 of 1000 bytes`` where it is known."""
        if self.length is None or self.length < self.body:
            return f"{self.body} bytes"
        return f"{self.body} of {self.length} bytes"


def late(seconds: float, progress: Progress) -> NoAnswer:
    """What is said when the time is over."""
    where = progress.step.value
    if progress.step is Step.NAME:
        where = f"looking up {progress.host}"
    elif progress.step is Step.BODY:
        where = f"body stopped after {progress.bytes_of_body()}"
    elif progress.step is Step.HEAD and progress.received:
        where = f"head stopped after {progress.received} bytes"
    return NoAnswer(f"no answer within {seconds:g} s ({where})", "timeout")


def cut_off(progress: Progress) -> NoAnswer:
    """What is said of a connection that was lost."""
    if progress.step is Step.TLS:
        return NoAnswer("TLS handshake failed: connection lost", "tls")
    if progress.step is Step.BODY:
        return NoAnswer(f"connection lost after {progress.bytes_of_body()}", "connection")
    if progress.received:
        return NoAnswer(
            f"connection lost in the head, after {progress.received} bytes", "connection"
        )
    return NoAnswer("connection lost before the answer", "connection")


def explain(error: BaseException, progress: Progress) -> NoAnswer:
    """What is said of anything that Twisted fails a request with."""
    cause = next(causes(error))
    if isinstance(cause, NoAnswer):
        return NoAnswer(cause.reason, cause.outcome)
    if isinstance(cause, UnresolvedError):
        because = " (the name server gives no answer)" if cause.temporary else ""
        return NoAnswer(f"{cause}{because}", "dns")
    if isinstance(cause, network.ConnectError):
        return _not_connected(cause)
    if isinstance(cause, (TLSError, VerificationError)):
        return _no_tls(cause, progress)
    if isinstance(cause, network.ConnectionClosed):
        return cut_off(progress)
    if progress.step is Step.HEAD:
        return NoAnswer("broken HTTP answer: its head cannot be read", "connection")
    if progress.step is Step.BODY:
        where = progress.bytes_of_body()
        return NoAnswer(f"broken HTTP answer: its body cannot be read after {where}", "connection")
    unforeseen = NoAnswer(f"request failed: {type(cause).__name__}", "connection")
    unforeseen.__cause__ = error
    return unforeseen


def causes(error: BaseException) -> Iterator[BaseException]:
    """What lies behind Twisted's wrappers, the first cause first; the error itself if none."""
    reasons = getattr(error, "reasons", None)
    if not reasons:
        yield error
        return
    for reason in reasons:
        yield from causes(reason.value)


def _not_connected(cause: network.ConnectError) -> NoAnswer:
    if isinstance(cause, network.ConnectionRefusedError):
        return NoAnswer("connection refused", "refused")
    if isinstance(cause, network.TCPTimedOutError):
        return NoAnswer("cannot connect: the host does not answer", "timeout")
    number = cause.osError
    what = os.strerror(number) if isinstance(number, int) else type(cause).__name__
    return NoAnswer(f"cannot connect: {what}", "connection")


def _no_tls(cause: BaseException, progress: Progress) -> NoAnswer:
    if isinstance(cause, VerificationError):
        what = f"the certificate is not for {progress.host}"
    else:
        what = _tls_words(cause)
    if progress.step is Step.TLS or isinstance(cause, VerificationError):
        return NoAnswer(f"TLS handshake failed: {what}", "tls")
    return NoAnswer(f"TLS failed: {what}", "tls")


def _tls_words(cause: BaseException) -> str:
    try:
        said = str(cause.args[0][-1][-1])
    except (IndexError, TypeError):
        return "connection lost"
    if said == "certificate verify failed":
        return "the certificate is not trusted, or is out of date"
    if said.startswith(_NOT_TLS):
        return "the server does not speak TLS there"
    return said
