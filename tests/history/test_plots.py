"""What can be drawn."""

from __future__ import annotations

import unittest
from pathlib import Path

from tvmon.history.plots import GLOBALS, METRICS, TARGETS
from tvmon.history.sources import MACHINE_SOURCES, STREAM_SOURCES
from tvmon.history.subjects import MACHINE
from tvmon.tiers import DEFAULT_TIERS

OPERATORS = {"*", "/", "-", "+", "GT", "IF", "UNKN"}
PLAIN = (
    "traffic viewers viewer_changes delay score availability upstream upstream_tries fanout"
    " answer_time polls framerate declared sent"
)
OLDER = (
    "client_session origin_session client_traffic origin_traffic hitratio client_res"
    " client_res_complete client_res_time client_res_complete_time ssockevent csockevent"
)
GLOBAL = (
    "cpu ston_media_server_cpu memory mem iowait loadavg ssockevent ssockusage csockevent"
    " csockusage acldenied eq wf2w tcpsocket"
)
DASH_TITLE = 30
"""Letters that a picture 205 pixels wide has room for."""


class PlotTests(unittest.TestCase):
    """The three tables."""

    def test_the_targets_of_the_contract_are_there(self) -> None:
        self.assertEqual(" ".join(METRICS), PLAIN)
        self.assertEqual(" ".join(name for name in TARGETS if name not in METRICS), OLDER)
        self.assertEqual(" ".join(GLOBALS), GLOBAL)

    def test_every_line_is_made_of_what_is_kept(self) -> None:
        for plot in (*TARGETS.values(), *GLOBALS.values()):
            kept = MACHINE_SOURCES if plot.of == MACHINE else STREAM_SOURCES
            names = {source.name for source in kept}
            for line in plot.lines:
                words = {word for word in line.rpn.split(",") if not word.isdigit()}
                self.assertLessEqual(words, names | OPERATORS, plot.name)
                self.assertTrue(words & names, plot.name)

    def test_the_first_line_is_the_main_one_and_names_differ(self) -> None:
        for name, plot in (TARGETS | GLOBALS).items():
            roles = [line.role for line in plot.lines]
            self.assertIn(roles, (["main"], ["main", "sub"], ["multi"] * 5), name)
            self.assertEqual(len({line.name for line in plot.lines}), len(roles))
            self.assertEqual(plot.name, name)

    def test_each_is_explained(self) -> None:
        told = (Path(__file__).resolve().parents[2] / "docs" / "history.md").read_text()
        rows = [line.split("|")[1] for line in told.splitlines() if line.startswith("|")]
        for name in (*TARGETS, *GLOBALS):
            self.assertTrue([row for row in rows if f"`{name}`" in row], name)

    def test_titles_fit_the_smallest_picture_that_has_one(self) -> None:
        for plot in (*TARGETS.values(), *GLOBALS.values()):
            self.assertLessEqual(len(f"{plot.title}, {plot.unit}"), DASH_TITLE, plot.name)

    def test_what_is_worked_out_of_two_has_no_smallest_and_largest(self) -> None:
        (line,) = METRICS["fanout"].lines
        fine, coarse = DEFAULT_TIERS[:2]
        self.assertEqual(line.functions(fine), ("LAST",))
        self.assertEqual(line.functions(coarse), ("AVERAGE",))
        out, _ = METRICS["traffic"].lines
        self.assertEqual(out.functions(coarse), ("AVERAGE", "MIN", "MAX"))

    def test_only_what_goes_out_by_protocols_can_be_asked_for_by_one(self) -> None:
        without = {name for name, plot in TARGETS.items() if not plot.protocols}
        self.assertEqual(
            without, {"score", "availability", "framerate", "declared", "ssockevent", "csockevent"}
        )
        self.assertNotIn("rtmp", TARGETS["client_res_complete"].protocols)
        self.assertFalse(any(plot.protocols for plot in GLOBALS.values()))
