"""
A TVie media server that can be healthy, starved, down, slow, or lie.

For a first look, for tests and for benchmarks: ``twistd -n tvie-simulator``.  It imports nothing
of tvmon, so what it says is checked against tvmon from outside.
"""
