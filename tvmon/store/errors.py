"""
What can go wrong between tvmon and its database.

    DatabaseError           str() is one line for an operator, without any secret
      Away                  nobody answers: not connected, connection lost, hung, stopping
      QueryTimeout          the server gave the statement up in time; the connection is good
      Refused               the server said no to the statement; the connection is good
    Unusable                this database is not ours to write: another writer, a newer schema
"""

from __future__ import annotations


class DatabaseError(Exception):
    """A statement brought nothing."""


class Away(DatabaseError):  # noqa: N818 - it reads as the sentence that it is
    """The database cannot be asked now; whether a statement in flight was done is not known."""


class QueryTimeout(DatabaseError):  # noqa: N818 - it reads as the sentence that it is
    """The server stopped the statement at its ``statement_timeout`` and undid it."""


class Refused(DatabaseError):  # noqa: N818 - it reads as the sentence that it is
    """
    The server did not do the statement, and said why.

    :param sqlstate: the five characters of the SQL standard, as ``23503``
    """

    def __init__(self, sqlstate: str, message: str) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate

    @property
    def is_of_data(self) -> bool:
        """
        Whether the values are at fault and no repetition can help.

        Data exceptions (22), broken constraints (23), and values too large for an index (54).
        """
        return self.sqlstate[:2] in {"22", "23", "54"}


class Unusable(Exception):  # noqa: N818 - it reads as the sentence that it is
    """tvmon must not write here, and no waiting helps: str() says why, in one line."""
