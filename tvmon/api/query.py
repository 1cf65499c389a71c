"""
What a request asks for, read from its address: pure, and strict.

Paths are read as they came over the wire, split at their slashes before they are decoded, so
that a keyword may hold a slash.  Whatever is wrong is named: the part, and what is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote_to_bytes

from tvmon.api.refusal import Refusal
from tvmon.api.select import SORT_FIELDS

MOST_ARGUMENTS = 16
MOST_HISTORY = 200
LARGEST = 999_999_999
"""Of offset and page size: more streams than anybody has."""

EVERY_STREAM = "null"
ORDERS = ("asc", "desc")
SHAPE = "samples/{offset}-{page_size}/{keyword}/{sort_by}/{sort_order}/{sort_by_status_first}"

_PAGE = re.compile(r"([0-9]{1,9})-([0-9]{1,9})")
_BAD_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class Query:
    """
    One question to ``GET /samples``.

    :param page_size: 0 is all
    :param keyword: ``None`` is every stream
    :param sort_by: a key of :data:`tvmon.api.select.SORT_FIELDS`
    """

    offset: int = 0
    page_size: int = 0
    keyword: str | None = None
    sort_by: str = "unify_name"
    descending: bool = False
    status_first: bool = False

    @property
    def path(self) -> str:
        """The same question as an address, with nothing left to a default."""
        return "/".join(
            (
                f"samples/{self.offset}-{self.page_size}",
                EVERY_STREAM if self.keyword is None else quote(self.keyword, safe=""),
                self.sort_by,
                ORDERS[self.descending],
                str(int(self.status_first)),
            )
        )


def decoded(raw: bytes, part: str) -> str:
    """The text of a percent-encoded part of an address."""
    if _BAD_PERCENT.search(raw):
        raise Refusal("a % must be followed by two hexadecimal digits", part=part)
    try:
        return unquote_to_bytes(raw).decode("utf-8")
    except UnicodeDecodeError:
        raise Refusal("this is not UTF-8", part=part) from None


def parse_samples(path: bytes) -> Query:
    """The question that a whole path, ``/samples`` or ``/samples/...``, asks."""
    parts = path.split(b"/")[2:]
    if not parts:
        return Query()
    if len(parts) != 5:
        raise Refusal(
            f"after samples come 5 parts, of which the last 4 may be empty, and not {len(parts)}: "
            f"{SHAPE}",
            part="path",
        )
    offset, page_size = _page(decoded(parts[0], "offset"))
    keyword = decoded(parts[1], "keyword")
    sort_by = decoded(parts[2], "sort_by")
    order = decoded(parts[3], "sort_order")
    status_first = decoded(parts[4], "sort_by_status_first")
    if sort_by and sort_by not in SORT_FIELDS:
        raise Refusal("there is no such field to sort by", part="sort_by", allowed=[*SORT_FIELDS])
    if order and order.lower() not in ORDERS:
        raise Refusal("there is no such order", part="sort_order", allowed=ORDERS)
    if status_first not in ("", "0", "1"):
        raise Refusal("it is on or off", part="sort_by_status_first", allowed=("0", "1"))
    return Query(
        offset,
        page_size,
        None if keyword in ("", EVERY_STREAM) else keyword,
        sort_by or "unify_name",
        order.lower() == "desc",
        status_first == "1",
    )


def _page(text: str) -> tuple[int, int]:
    match = _PAGE.fullmatch(text)
    if match is None:
        offset = text.partition("-")[0]
        good = re.fullmatch("[0-9]{1,9}", offset)
        raise Refusal(
            f"offset and page size are whole numbers from 0 to {LARGEST} with a - between them, "
            "as in 0-50; page size 0 is all",
            part="page_size" if good else "offset",
        )
    return int(match[1]), int(match[2])


def parse_stream_id(text: str) -> int:
    """The ``mms_stream_id`` in an address."""
    if not re.fullmatch("[0-9]{1,18}", text):
        raise Refusal("mms_stream_id is a whole number", part="mms_stream_id")
    return int(text)


def parse_arguments(raw: bytes, allowed: Sequence[str] = ()) -> dict[str, str]:
    """What stands behind the ``?``: each argument at most once, and none that is not known."""
    if not raw:
        return {}
    decoded(raw, "query")
    try:
        pairs = parse_qsl(
            raw.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=MOST_ARGUMENTS,
            errors="strict",
        )
    except UnicodeError:
        raise Refusal("this is not percent-encoded UTF-8", part="query") from None
    except ValueError:
        raise Refusal(f"more than {MOST_ARGUMENTS} arguments", part="query") from None
    arguments: dict[str, str] = {}
    for name, value in pairs:
        if name not in allowed:
            some = "" if allowed else "; this address takes none"
            raise Refusal(f"there is no such argument{some}", part=name, allowed=allowed)
        if name in arguments:
            raise Refusal("it is given twice", part=name)
        arguments[name] = value
    return arguments


def parse_limit(arguments: dict[str, str]) -> int:
    """How many samples of a history are wanted; all of them where nothing is said."""
    text = arguments.get("limit", str(MOST_HISTORY))
    if not re.fullmatch("[0-9]{1,3}", text) or not 1 <= int(text) <= MOST_HISTORY:
        raise Refusal(f"limit is a whole number from 1 to {MOST_HISTORY}", part="limit")
    return int(text)
