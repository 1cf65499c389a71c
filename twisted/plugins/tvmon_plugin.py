"""Lets ``twistd`` find ``tvmon``; imports nothing of it, as twistd reads every plugin each time."""

from twisted.application.service import ServiceMaker

tvmon = ServiceMaker(
    "tvmon",
    "tvmon.tap",
    "A monitor of live television streams on media servers.",
    "tvmon",
)
