"""``GET /-/healthy`` and ``GET /-/ready``."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from tests.api.support import MemoryCase


class HealthTests(MemoryCase):
    """Alive, and ready."""

    def test_alive_whatever_is_wrong(self) -> None:
        self.world.filled = Deferred()
        self.world.trouble["database"] = "away"
        for path in ("/-/healthy", "/-/healthy?probe=1"):
            answer = self.get(path)
            self.assertEqual((answer.code, answer.json), (200, {"healthy": True}))

    def test_ready(self) -> None:
        answer = self.get("/-/ready")
        self.assertEqual(answer.code, 200)
        self.assertEqual(answer.json, {"ready": True, "checks": {"database": None}})

    def test_what_is_not_ready_is_named_before_the_board_is_filled_too(self) -> None:
        self.world.filled = Deferred()
        why = "away since 2026-11-22T08:00:03Z: connection refused"
        self.world.trouble = {"database": why, "server edge1": None}
        answer = self.get("/-/ready")
        self.assertEqual(answer.code, 503)
        self.assertEqual(
            answer.json, {"ready": False, "checks": {"database": why, "server edge1": None}}
        )

    def test_checks_are_asked_anew_each_time(self) -> None:
        self.world.trouble["database"] = "away"
        self.assertEqual(self.get("/-/ready").code, 503)
        self.world.trouble["database"] = None
        self.assertEqual(self.get("/-/ready").code, 200)

    def test_a_check_that_fails_is_a_failure(self) -> None:
        self.world.trouble = None  # type: ignore[assignment] # breaks on purpose
        self.assertEqual(self.get("/-/ready").code, 500)
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)
