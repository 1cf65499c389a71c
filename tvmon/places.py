"""
Where the files lie that are not Python: the page (``web``) and the configurations (``etc``).

    run from             package                                  files
      a checkout           CHECKOUT/tvmon                           CHECKOUT/web
      an editable install  CHECKOUT/build/__editable__.../tvmon     CHECKOUT/web
      a wheel              PREFIX/lib/python3.N/site-packages/tvmon PREFIX/share/tvmon/web

An editable install is a tree of links; the link to this very file leads back to the checkout.
PREFIX is ``sys.prefix`` in a virtual environment, ``~/.local`` after ``pip install --user``, and
``/usr/local`` under Debian's own Python: it is the data path that belongs to the folder which
the package lies in.
"""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__)


def web(option: Path | None = None, here: Path = HERE) -> Path:
    """The folder of the page; ``option`` is what the operator chose, and then the only choice."""
    return _folder("web", "index.html", option, here)


def etc(option: Path | None = None, here: Path = HERE) -> Path:
    """The folder of the configurations that are delivered, ``tvmon.conf`` among them."""
    return _folder("etc", "tvmon.conf", option, here)


def _folder(name: str, proof: str, option: Path | None, here: Path) -> Path:
    """The first candidate that holds the file ``proof``; FileNotFoundError names them all."""
    candidates = [option] if option is not None else list(_candidates(name, here))
    for folder in candidates:
        if (folder / proof).is_file():
            return folder
    raise FileNotFoundError(f"no {proof} in " + ", nor in ".join(map(str, candidates)))


def _candidates(name: str, here: Path) -> Iterator[Path]:
    checkout = here.resolve().parent.parent
    if (checkout / "pyproject.toml").is_file():
        yield checkout / name
    seen = set()
    for prefix in (*_prefixes(here.parent.parent), Path(sys.prefix)):
        if prefix not in seen:
            seen.add(prefix)
            yield prefix / "share" / "tvmon" / name


def _prefixes(packages: Path) -> Iterator[Path]:
    """The data path of each install scheme that puts packages into this folder."""
    for scheme in sysconfig.get_scheme_names():
        paths = sysconfig.get_paths(scheme)
        if Path(paths["purelib"]) == packages:
            yield Path(paths["data"])
