"""Lets ``twistd`` find ``tvie-simulator``; imports nothing of it, as twistd reads every plugin."""

from twisted.application.service import ServiceMaker

tvie_simulator = ServiceMaker(
    "tvie-simulator",
    "tvmon.simulator.tap",
    "A TVie media server, made up: for a first look, tests and benchmarks.",
    "tvie-simulator",
)
