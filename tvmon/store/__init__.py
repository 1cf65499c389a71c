"""The store: streams and samples in PostgreSQL, and back on the board after a restart."""

from tvmon.store.errors import Away
from tvmon.store.lock import writer_name
from tvmon.store.store import Store

__all__ = ["Away", "Store", "writer_name"]
