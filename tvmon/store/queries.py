"""
All SQL of the running daemon.  Constant texts; values come in as parameters only.

It runs on PostgreSQL 12 to 18.  What changes the schema lies in ``schema/``.
"""

from __future__ import annotations

from tvmon.store.columns import COLUMNS
from tvmon.store.rows import SUMMED
from tvmon.streams import MEASURED
from tvmon.window import ROW

RING = 200
"""How many samples of a stream are kept; ``schema/001_ring.sql`` holds the same number."""

# One writer.  The two numbers spell "tvmo" and "writ".

TRY_LOCK = "SELECT pg_try_advisory_lock(1953918319, 2003986804)"

LOCK_HOLDERS = """
SELECT a.pid, coalesce(a.application_name, ''), coalesce(host(a.client_addr), 'local')
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
  AND l.classid::bigint = 1953918319 AND l.objid::bigint = 2003986804
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""

TERMINATE = "SELECT pg_terminate_backend(%s)"

LAST_WRITER = "SELECT writer FROM tvmon_writer"

CLAIM = """
INSERT INTO tvmon_writer (writer, since) VALUES (%s, to_timestamp(%s))
ON CONFLICT (only_row) DO UPDATE SET writer = excluded.writer, since = excluded.since
"""

# Writing.

UPSERT_STREAMS = """
INSERT INTO mms_stream
    (mms_stream_id, server, stream_key, stream_id, unify_name, sample_interface,
     first_seen, gone_at)
SELECT i, s, k, n, u, a, to_timestamp(f), to_timestamp(g)
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::bigint[], %s::text[], %s::text[],
            %s::double precision[], %s::double precision[]) AS t (i, s, k, n, u, a, f, g)
ON CONFLICT (mms_stream_id) DO UPDATE SET
    stream_id = excluded.stream_id, unify_name = excluded.unify_name,
    sample_interface = excluded.sample_interface, gone_at = excluded.gone_at
"""

_names = [name for name, _ in COLUMNS]
_values = ", ".join("to_timestamp(sample_time)" if n == "sample_time" else n for n in _names)
_set = ", ".join(f"{n} = excluded.{n}" for n in _names if n not in {"mms_stream_id", "slot"})

# One array of records, not one for each column: the server would put each of forty arrays into a
# store of its own, and join these row by row, which costs as much again as the write itself.
#
# A batch that a server did late, after its connection was given up and the batch was written
# again on another one, must not put old rows over newer ones: hence the WHERE.
UPSERT_SAMPLES = f"""
INSERT INTO mms_samples ({", ".join(_names)})
SELECT {_values} FROM unnest(%s::tvmon_row[]) AS t
ON CONFLICT (mms_stream_id, slot) DO UPDATE SET {_set}
WHERE mms_samples.sample_no < excluded.sample_no
"""  # noqa: S608  # names of our own columns

# A stream may have been removed meanwhile; what was learned of it is of no use then.
UPSERT_LEARNED = """
INSERT INTO mms_learned (mms_stream_id, rates)
SELECT i, r::real[] FROM unnest(%s::bigint[], %s::text[]) AS t (i, r)
WHERE EXISTS (SELECT FROM mms_stream s WHERE s.mms_stream_id = i)
ON CONFLICT (mms_stream_id) DO UPDATE SET rates = excluded.rates
"""

REMOVE_GONE = """
DELETE FROM mms_stream WHERE mms_stream_id IN
    (SELECT mms_stream_id FROM mms_stream WHERE gone_at < to_timestamp(%s)
     ORDER BY gone_at LIMIT %s)
RETURNING mms_stream_id
"""

PING = "SELECT 1"

# Reading.

STREAMS = """
SELECT mms_stream_id, server, stream_key, stream_id, unify_name, sample_interface,
       gone_at IS NOT NULL
FROM mms_stream WHERE mms_stream_id > %s ORDER BY mms_stream_id LIMIT %s
"""

LEARNED = """
SELECT mms_stream_id, array_send(rates) FROM mms_learned
WHERE mms_stream_id > %s ORDER BY mms_stream_id LIMIT %s
"""

IS_KNOWN = "SELECT EXISTS (SELECT FROM mms_stream WHERE mms_stream_id = %s)"

NEWEST_NUMBERS = "SELECT mms_stream_id, max(sample_no) FROM mms_samples GROUP BY mms_stream_id"

# From when on rows are of use: so long before the newest one of most streams, which is told by
# some of them, but at most so long before the newest one of all.  The latter is told by a few
# hundred pages of the table, and never too late.
SINCE = """
SELECT extract(epoch FROM greatest(
    (SELECT percentile_disc(0.1) WITHIN GROUP (ORDER BY newest) FROM (
        SELECT (SELECT max(s.sample_time) FROM mms_samples s
                WHERE s.mms_stream_id = w.mms_stream_id) AS newest
        FROM (SELECT mms_stream_id FROM mms_stream WHERE gone_at IS NULL
              ORDER BY random() LIMIT 32) w
    ) t WHERE newest IS NOT NULL) - make_interval(secs => %s),
    (SELECT max(sample_time) FROM mms_samples TABLESAMPLE SYSTEM (0.2))
        - make_interval(secs => %s)
))::double precision
"""

# What a window needs of rows, in one value, which tvmon.store.past takes apart: as rows they
# would cost both sides five times as much.
_unknown = "(-9223372036854775808)"
_packed = " || ".join(
    [
        "int8send(CASE WHEN s.is_failed THEN -s.sample_no ELSE s.sample_no END)",
        "timestamptz_send(s.sample_time)",
        *(f"int8send(coalesce(s.{name}, {_unknown}))" for name in ROW),
    ]
)
_points = f"string_agg({_packed}, ''::bytea)"

# One scan of the whole table, shared by the server's workers where it has some, which takes a
# second for two million rows.  Their states are larger than work_mem by default.
SCAN_SETTINGS = ("SET LOCAL work_mem = '64MB'", "SET LOCAL jit = off")

ENDS = f"""
SELECT s.mms_stream_id, max(s.sample_no),
    extract(epoch FROM max(s.sample_time) FILTER (WHERE NOT s.is_failed))::double precision,
    {_points} FILTER (WHERE s.sample_time >= to_timestamp(%s))
FROM mms_samples s GROUP BY s.mms_stream_id
"""  # noqa: S608  # names of our own columns

_stored = ", ".join(
    f"extract(epoch FROM s.{n})::double precision" if n == "sample_time" else f"s.{n}"
    for n in _names
    if n != "slot"
)

# The newest rows lie in the slots just below the newest number, so they are looked up one by
# one by primary key; the slot alone may hold a row of the ring's turn before.
_newest = f"""
FROM unnest(%s::bigint[], %s::bigint[]) AS w (id, newest)
CROSS JOIN generate_series(0, %s - 1) AS back
JOIN mms_samples s ON s.mms_stream_id = w.id
    AND s.slot = ((w.newest - back) %% {RING})::smallint AND s.sample_no = w.newest - back
"""

NEWEST_SAMPLES = f"SELECT {_stored} {_newest}"

NEWEST_POINTS = f"""
SELECT s.mms_stream_id, {_points} {_newest} GROUP BY s.mms_stream_id
"""

HISTORY = f"""
SELECT {_stored} FROM mms_samples s WHERE s.mms_stream_id = %s
ORDER BY s.sample_no DESC LIMIT %s
"""  # noqa: S608  # names of our own columns

_summed = ", ".join(f"s.{name}" if name in SUMMED else "NULL" for name in MEASURED)

SUMMED_SAMPLES = f"""
SELECT s.mms_stream_id, s.sample_no, extract(epoch FROM s.sample_time)::double precision,
       s.is_failed, s.score, s.first_byte_ms, s.answer_ms, {_summed}
FROM unnest(%s::bigint[], %s::double precision[]) AS w (id, since)
JOIN mms_samples s ON s.mms_stream_id = w.id AND s.sample_time >= to_timestamp(w.since - %s)
ORDER BY s.mms_stream_id, s.sample_no DESC
"""  # noqa: S608  # names of our own columns
