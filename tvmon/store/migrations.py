"""
The schema, one numbered file after the other, forward only.

``schema/NNN_name.sql`` is applied once, in a transaction of its own, under an advisory lock
of the database, so two that start together do not both do it.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from typing import NamedTuple

from tvmon.store.database import Session, Transaction, integer, truth
from tvmon.store.errors import Unusable

MIGRATION_SECONDS = 60.0
"""How long each statement of a migration may take, and wait for another migration."""

# The two numbers spell "tvmo" and "sche".
_LOCK = "SELECT pg_advisory_xact_lock(1953918319, 1935894629)"

_HAS_TABLE = "SELECT to_regclass('tvmon_schema') IS NOT NULL"

_CREATE_TABLE = """
CREATE TABLE tvmon_schema (
    version    integer PRIMARY KEY,
    name       text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE tvmon_schema IS 'Which files of tvmon''s schema were applied';
COMMENT ON COLUMN tvmon_schema.version IS 'number of the file';
COMMENT ON COLUMN tvmon_schema.name IS 'name of the file';
COMMENT ON COLUMN tvmon_schema.applied_at IS 'when, UTC';
"""

_VERSION = "SELECT coalesce(max(version), 0) FROM tvmon_schema"

_NOTE = "INSERT INTO tvmon_schema (version, name) VALUES (%s, %s)"


class Migration(NamedTuple):
    """One step of the schema."""

    version: int
    name: str
    sql: str


def migrations() -> tuple[Migration, ...]:
    """The steps that this tvmon knows, in their order, without a gap."""
    found = []
    for file in resources.files("tvmon.store").joinpath("schema").iterdir():
        if file.name.endswith(".sql"):
            number, _, _ = file.name.partition("_")
            found.append(Migration(int(number), file.name, file.read_text("utf-8")))
    found.sort()
    if [step.version for step in found] != list(range(1, len(found) + 1)):
        raise RuntimeError("the files of the schema are not numbered 1, 2, 3...")
    return tuple(found)


async def migrate(session: Session, steps: Sequence[Migration]) -> int:
    """
    Bring the schema up to the last step, and say which version it was before.

    :raises Unusable: the schema is newer than the steps
    """
    known = len(steps)

    async def look(transaction: Transaction) -> int:
        await transaction.execute(_LOCK)
        (there,) = await transaction.query(_HAS_TABLE, (), truth)
        if not there:
            await transaction.execute(_CREATE_TABLE)
        (version,) = await transaction.query(_VERSION, (), integer)
        return version

    before = await session.transaction(look, MIGRATION_SECONDS)
    if before > known:
        raise Unusable(
            f"the database's schema is of version {before}, and this tvmon knows it up to {known}:"
            " a newer tvmon has used it"
        )
    for step in steps[before:]:

        async def apply(transaction: Transaction, step: Migration = step) -> None:
            if await look(transaction) < step.version:
                await transaction.execute(step.sql)
                await transaction.execute(_NOTE, (step.version, step.name))

        await session.transaction(apply, MIGRATION_SECONDS)
    return before
