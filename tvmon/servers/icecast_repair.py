"""
JSON as Icecast's ``status-json.xsl`` writes it, which is not always JSON.

A style sheet writes that page, and it errs in two ways, both seen on Icecast 2.4.4:

- what looks like a number to it goes without quotes: ``"title": - ,`` and ``"server_name":12.``;
- where the first field of an object is one that it hides, the object has no opening brace:
  ``{"icestats":"server_start":"...","dummy":null}}``, as in the second after a start.

Each can be mended in one way only.  What else is wrong stays wrong.
"""

from __future__ import annotations

import re

import simplejson

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[][{}:,]|[^][{}:,"\s]+', re.DOTALL)
_SCALAR = re.compile(r"true|false|null|-?(?:0|[1-9][0-9]{0,29})(?:\.[0-9]{1,30})?(?:e[0-9]{1,3})?")


def repaired(text: str) -> str:
    """The text with what it lacks: quotes around values, and braces that open an object."""
    tokens = _TOKEN.findall(text)
    mended: list[str] = []
    opened: list[str] = []
    for index, token in enumerate(tokens):
        before = mended[-1] if mended else ""
        if token[0] == '"':
            named = index + 1 < len(tokens) and tokens[index + 1] == ":"
            in_list = bool(opened) and opened[-1] == "["
            if named and (before == ":" or (in_list and before in ("[", ","))):
                mended.append("{")
                opened.append("{")
        elif token in ("{", "["):
            opened.append(token)
        elif token in ("}", "]"):
            if opened:
                opened.pop()
        elif token not in (":", ",") and not _SCALAR.fullmatch(token):
            token = simplejson.dumps(token)
        mended.append(token)
    return "".join(mended)
