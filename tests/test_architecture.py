"""
Who may import whom, and what no module may do; read from the source of every module.

A room may import those of its own rank and below, but for the pairs that are forbidden by name.
"""

from __future__ import annotations

import ast
import unittest
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
PACKAGE = CHECKOUT / "tvmon"
SOURCES = sorted(PACKAGE.rglob("*.py"))
MODULES = {
    ".".join(path.relative_to(CHECKOUT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in SOURCES
}

RANKS = (
    (
        "streams",
        "tiers",
        "alarm",
        "cannot_start",
        "current_meters",
        "interrupts",
        "errors",
        "pause",
        "folders",
        "places",
        "words",
        "problems",
        "report",
        "toml",
    ),
    (
        "window",
        "entry",
        "entry_json",
        "expected",
        "flow",
        "health",
        "servers",
        "settings",
        "polling",
    ),
    ("board", "sampling", "config"),
    ("store", "history"),
    ("api",),
    (
        "cli",
        "collector",
        "daemon",
        "gate",
        "heartbeat",
        "histories",
        "listening",
        "logs",
        "simulator",
        "stopping",
        "tap",
        "watching",
    ),
)
RANK = {room: rank for rank, rooms in enumerate(RANKS) for room in rooms}
FORBIDDEN = {
    ("api", "sampling"),
    ("board", "sampling"),
    ("history", "store"),
    ("store", "history"),
    ("config", "sampling"),
    ("config", "board"),
    ("cli", "daemon"),
    ("cli", "tap"),
    ("daemon", "tap"),
}
LONGEST = 350
LOGS = {"debug", "info", "warn", "error", "critical", "failure", "emit"}
CLOCKS = (
    "time.time",
    "time.monotonic",
    "time.perf_counter",
    "time.sleep",
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
)
PURE = {
    "streams",
    "errors",
    "places",
    "report",
    "window",
    "entry",
    "entry_json",
    "expected",
    "flow",
    "health",
    "servers",
}


def room(module: str) -> str:
    """``tvmon.store.pool`` belongs to ``store``, ``tvmon`` itself to no room."""
    return module.split(".")[1] if "." in module else ""


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def where(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(CHECKOUT)}:{getattr(node, 'lineno', '?')}"


def imported(tree: ast.AST) -> Iterator[tuple[ast.stmt, str]]:
    """Every import, inside functions and for types too: (statement, dotted name)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, alias.name
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node, "." * node.level + f"{node.module or ''}.{alias.name}"


def ours(path: Path, *, types: bool = True) -> Iterator[str]:
    """Every module of ours that a module imports, with those that it imports for types alone."""
    tree = parse(path)
    only_types = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and dotted(node.test).endswith("TYPE_CHECKING")
        for inner in ast.walk(node)
    }
    for node, name in imported(tree):
        if node in only_types and not types:
            continue
        while name and name not in MODULES:
            name = name.rpartition(".")[0]
        if name:
            yield name


def dotted(node: ast.expr) -> str:
    """``self.log`` as written; what is neither a name nor an attribute is ``?``."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


class ImportTests(unittest.TestCase):
    """The rooms and their order."""

    def test_every_room_has_a_rank(self) -> None:
        rooms = {room(module) for module in MODULES} - {""}
        self.assertEqual(rooms - set(RANK), set(), "say in RANKS where the new room belongs")

    def test_no_room_imports_one_above_it(self) -> None:
        wrong = []
        for module, path in MODULES.items():
            for other in ours(path):
                importer, needed = room(module), room(other)
                if needed in {"", importer}:
                    continue
                above = RANK.get(importer, 0) < RANK.get(needed, 0)
                if above or (importer, needed) in FORBIDDEN:
                    wrong.append(f"{module} imports {other}")
        self.assertEqual(wrong, [])

    def test_the_simulator_and_the_rest_know_nothing_of_each_other_but_the_streams(self) -> None:
        wrong = []
        for module, path in MODULES.items():
            for other in ours(path):
                pair = {room(module), room(other)} - {""}
                if "simulator" in pair and pair - {"simulator", "streams"}:
                    wrong.append(f"{module} imports {other}")
        self.assertEqual(wrong, [])

    def test_no_module_imports_itself_in_a_circle(self) -> None:
        graph = {
            module: set(ours(path, types=False)) - {module} for module, path in MODULES.items()
        }
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as problem:
            self.fail(" <- ".join(problem.args[1]))

    def test_no_import_is_relative(self) -> None:
        wrong = [
            where(path, node)
            for path in SOURCES
            for node, name in imported(parse(path))
            if name.startswith(".")
        ]
        self.assertEqual(wrong, [])

    def test_values_parsers_and_the_score_know_no_twisted(self) -> None:
        wrong = [
            f"{where(path, node)} {name}"
            for module, path in MODULES.items()
            if room(module) in PURE
            for node, name in imported(parse(path))
            if name.startswith("twisted.")
        ]
        self.assertEqual(wrong, [])


class WorldTests(unittest.TestCase):
    """Time and the reactor come in through constructors."""

    def test_only_the_outermost_modules_name_the_reactor(self) -> None:
        wrong = []
        for module, path in MODULES.items():
            tree = parse(path)
            if path.name == "tap.py":
                continue
            allowed = functions(tree) if room(module) == "cli" else set()
            wrong += [
                where(path, node)
                for node, name in imported(tree)
                if name == "twisted.internet.reactor" and node not in allowed
            ]
        self.assertEqual(wrong, [])

    def test_nobody_asks_a_clock_of_his_own(self) -> None:
        wrong = []
        for module, path in MODULES.items():
            tree = parse(path)
            if path.name == "tap.py" or room(module) == "cli":
                continue
            wrong += [where(path, node) for node, name in imported(tree) if name in CLOCKS]
            wrong += [
                where(path, node)
                for node in ast.walk(tree)
                if isinstance(node, ast.Attribute) and dotted(node).endswith(CLOCKS)
            ]
        self.assertEqual(wrong, [])


def functions(tree: ast.Module) -> set[ast.AST]:
    """Every node that lies inside a function."""
    return {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(node)
    }


class ShapeTests(unittest.TestCase):
    """What every module has, and what its log lines are made of."""

    def test_every_module_says_what_it_is(self) -> None:
        silent = [
            str(path.relative_to(CHECKOUT))
            for path in SOURCES
            if not ast.get_docstring(parse(path))
        ]
        self.assertEqual(silent, [])

    def test_no_module_is_long(self) -> None:
        long = {
            str(path.relative_to(CHECKOUT)): lines
            for folder, ending in (("tvmon", "py"), ("tests", "py"), ("bench", "py"), ("web", "js"))
            for path in (CHECKOUT / folder).rglob(f"*.{ending}")
            if (lines := len(path.read_text().splitlines())) > LONGEST
        }
        self.assertEqual(long, {})

    def test_a_log_line_is_never_put_together_but_has_fields(self) -> None:
        wrong = []
        for path in SOURCES:
            for node in ast.walk(parse(path)):
                if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                    continue
                owner = dotted(node.func.value).rpartition(".")[2]
                if node.func.attr not in LOGS or owner.strip("_") != "log":
                    continue
                position = 1 if node.func.attr == "emit" else 0
                format_ = node.args[position] if len(node.args) > position else None
                if not isinstance(format_, ast.Constant | ast.Name):
                    wrong.append(where(path, node))
        self.assertEqual(wrong, [])
