"""
Packaging, as far as pyproject.toml cannot say it.

- ``twisted.plugins`` is listed without an ``__init__.py``: our file must land beside Twisted's.
- The editable mode is ``strict``: Twisted looks for plugins in directories on ``sys.path``, and
  the default editable install is an import hook, which it cannot see.
- ``web/`` and ``etc/`` lie beside the package in a checkout and under ``share/`` in a wheel;
  ``tvmon.places`` finds them in both.
"""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent


def tree(top: str, target: str) -> list[tuple[str, list[str]]]:
    """``data_files`` for every file below ``top``, with its folders."""
    folders: dict[str, list[str]] = {}
    for path in sorted((HERE / top).rglob("*")):
        if path.is_file():
            relative = path.relative_to(HERE / top).parent
            folders.setdefault(str(Path(target) / relative), []).append(str(path.relative_to(HERE)))
    return list(folders.items())


setup(
    packages=[*find_packages(include=["tvmon", "tvmon.*"]), "twisted.plugins"],
    package_data={"tvmon": ["py.typed"], "tvmon.store": ["schema/*.sql"]},
    data_files=[*tree("web", "share/tvmon/web"), *tree("etc", "share/tvmon/etc")],
    options={"editable_wheel": {"mode": "strict"}},
)
