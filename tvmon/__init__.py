"""tvmon watches live television streams on media servers, and says which is bad, and why."""

__version__ = "0.1.0"
