"""What the description of an address is made of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tvmon.api.schemas import Schema, ref


def get(operation: str, summary: str, answers: Schema, parameters: Any = ()) -> Schema:
    """An address that is read."""
    return {
        "operationId": operation,
        "summary": summary,
        "parameters": list(parameters),
        "responses": answers,
    }


def parameter(where: str, name: str, schema: Schema) -> Schema:
    """One that is given in the path, the query or the head; its description is told beside."""
    about = schema.get("description", name)
    schema = {key: value for key, value in schema.items() if key != "description"}
    return {
        "name": name,
        "in": where,
        "required": where == "path",
        "description": about,
        "schema": schema,
    }


def json_answer(text: str, schema: str, names: Iterable[str] = ()) -> Schema:
    """An answer of one shape."""
    return {
        "description": text,
        "content": {"application/json": {"schema": ref(schema)}},
        "headers": headers(*names),
    }


def headers(*names: str) -> Schema:
    """Those that an answer has."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def refusals(*codes: int) -> Schema:
    """The answers that say what is wrong."""
    return {str(code): {"$ref": f"#/components/responses/{code}"} for code in codes}


def number(least: int, most: int, about: str) -> Schema:
    """A whole number."""
    return {"type": "integer", "minimum": least, "maximum": most, "description": about}
