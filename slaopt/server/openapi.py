"""The OpenAPI document, made from the routes, the models of requests and the types of answers."""

from __future__ import annotations

import dataclasses
import inspect
import re
import types
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from slaopt import __version__
from slaopt.result import Result
from slaopt.server.operations import Operation, operations_of
from slaopt.server.published import ErrorAnswer
from slaopt.store import records

if TYPE_CHECKING:
    from slaopt.server.base import SlaoptHandler
    from slaopt.server.models import Query

__all__ = ["document", "schema_of"]

Schema = dict[str, Any]

ALWAYS = (400, 401, 403, 413, 429, 500, 503)  # statuses with which any request may be refused
WITH_BODY = (415,)
NAMED = (404,)  # what an address names may not be there
PLAIN: Mapping[Any, Schema] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    datetime: {"type": "string", "format": "date-time"},
    date: {"type": "string", "format": "date"},
    type(None): {"type": "null"},
    Any: {},
}
NUMBER = {"type": "integer", "minimum": 1, "maximum": 999_999_999}
TEXT = {"type": "string", "minLength": 1, "maxLength": 100}


def document(routes: Iterable[tuple[str, type[SlaoptHandler]]], *, server: str) -> Schema:
    """Describe routes: paths with `{…}` for what varies, and their handlers.

    Parameters
    ----------
    server
        Address below which the paths are.
    """
    components: dict[str, Schema] = {}
    paths = {
        path: {
            method: _operation(operation, path, method, components)
            for method, operation in operations_of(handler).items()
        }
        for path, handler in routes
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "slaopt",
            "version": __version__,
            "description": "Thresholds of service levels: how services perform, what is recommended, and what people "
            "approve. Durations are seconds, rates lie between 0 and 1, times are ISO 8601.",
        },
        "servers": [{"url": server}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.items())),
            "securitySchemes": {
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "slaopt-session",
                    "description": "The cookie that a login sets. Its name ends in the server's host and port.",
                }
            },
        },
    }


def schema_of(kind: Any, components: dict[str, Schema]) -> Schema:
    """Give the JSON schema of what a type looks like when it is sent; named types are put into `components`."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return _model(kind, components)
    if isinstance(kind, type) and issubclass(kind, Result):
        if kind.__name__ not in components:
            components[kind.__name__] = {}  # so that a type within itself ends
            components[kind.__name__] = _result(kind, components)
        return _reference(kind.__name__)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [schema_of(one, components) for one in arguments]}
    if origin in (list, tuple):
        return {"type": "array", "items": schema_of(arguments[0], components)}
    if kind not in PLAIN:
        return {"type": "object"}
    return dict(PLAIN[kind])


def _operation(operation: Operation, path: str, method: str, components: dict[str, Schema]) -> Schema:
    told: Schema = {
        "summary": operation.summary,
        "description": operation.description,
        "operationId": re.sub(r"\W+", "_", f"{method} {path}").strip("_"),
        "parameters": [*_parameters(path, method, operation)],
        "responses": dict(_responses(operation, path, components)),
        "security": [{"session": []}] if operation.action is not None else [],
    }
    if operation.action is not None:
        told["x-right"] = operation.action
    if operation.body is not None:
        content = {"application/json": {"schema": schema_of(operation.body, components)}}
        told["requestBody"] = {"required": True, "content": content}
    return told


def _parameters(path: str, method: str, operation: Operation) -> Iterable[Schema]:
    for name in re.findall(r"{(\w+)}", path):
        yield {"name": name, "in": "path", "required": True, "schema": NUMBER if name == "number" else TEXT}
    if operation.query is not None:
        yield from _query(operation.query)
    if method != "get":
        yield {
            "name": "X-XSRFToken", "in": "header", "required": True, "schema": {"type": "string"},
            "description": "The value of the cookie `_xsrf`.",
        }  # fmt: skip
    if operation.keyed:
        yield {
            "name": "Idempotency-Key", "in": "header", "required": False,
            "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
            "description": "Of one's own choice: what is asked for again under the same key is done once.",
        }  # fmt: skip


def _query(query: type[Query]) -> Iterable[Schema]:
    schema = query.model_json_schema(ref_template="#/components/schemas/{model}")
    for name, field in schema["properties"].items():
        yield {"name": name, "in": "query", "required": False, "schema": _without_null(field)}


def _without_null(field: Schema) -> Schema:
    """A query cannot hold null: what may be left out is left out."""
    options = [one for one in field.get("anyOf", ()) if one != {"type": "null"}]
    return options[0] if len(options) == 1 else field


def _responses(operation: Operation, path: str, components: dict[str, Schema]) -> Iterable[tuple[str, Schema]]:
    from http.client import responses

    for status, kind in operation.answers.items():
        content = {"application/json": {"schema": schema_of(kind, components)}}
        yield str(status), {"description": responses[status], "content": content}
    refused = {*ALWAYS, *operation.refusals, *(WITH_BODY if operation.body else ()), *(NAMED if "{" in path else ())}
    refused -= {*operation.answers}
    if operation.action is None:
        refused -= {401} - {*operation.refusals}
    for status in sorted(refused):
        content = {"application/json": {"schema": schema_of(ErrorAnswer, components)}}
        yield str(status), {"description": responses[status], "content": content}


def _model(kind: type[BaseModel], components: dict[str, Schema]) -> Schema:
    if kind.__name__ not in components:
        schema = kind.model_json_schema(ref_template="#/components/schemas/{model}", mode="validation")
        components.update(schema.pop("$defs", {}))
        components[kind.__name__] = schema
    return _reference(kind.__name__)


def _result(kind: type[Result], components: dict[str, Schema]) -> Schema:
    properties = {}
    hints = _hints(kind)
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        name = field.metadata.get("published", field.name)
        if name is not None:
            properties[name] = schema_of(hints[field.name], components)
    return {
        "type": "object",
        "description": inspect.getdoc(kind),
        "properties": properties,
        "required": list(properties),
    }


def _hints(kind: type[Result]) -> dict[str, Any]:
    """Resolve the annotations of a dataclass, those too that only type checkers import: records of the store."""
    return get_type_hints(kind, localns=vars(records))


def _reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}
