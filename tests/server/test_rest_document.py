"""The OpenAPI document: it says what the handlers do, and requests made from it are answered as it says."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from slaopt.server.openapi import document
from slaopt.server.operations import METHODS
from slaopt.server.rest import ROUTES, routes
from tests.server.running import Running, approval_server, copied

API = "/api/v1/sla-optimization"
DOCUMENT = document(ROUTES, server=API)
PAGE = (Path(__file__).parents[2] / "docs" / "rest.md").read_text(encoding="utf-8")
PUBLISHED = (
    ("post", "/performance-analysis"), ("get", "/performance-analysis"), ("post", "/recommendations"),
    ("get", "/recommendations"), ("post", "/update-threshold"), ("post", "/rollback-threshold"),
    ("post", "/experiments"), ("get", "/experiments/active"), ("get", "/experiments/{id}"),
    ("post", "/experiments/{id}/stop"), ("get", "/history/threshold-changes"),
    ("get", "/metrics/optimization-effectiveness"), ("get", "/health"),
)  # fmt: skip
CHECKS = [
    status_code_conformance, content_type_conformance, response_schema_conformance,
    negative_data_rejection,
]  # fmt: skip
REACHED = (("post", "/recommendations"), ("post", "/performance-analysis"), ("post", "/update-threshold"))
EXAMPLES = 8  # of each operation and kind; a run is bounded, and stays below what one may write in a while


def asked() -> schemathesis.BaseSchema:
    """The document with services and numbers that are there, so that requests get far.

    Login and XSRF are left out: every request of the test has them, and without them it would be told nothing.
    """
    told = copy.deepcopy(DOCUMENT)
    del told["components"]["securitySchemes"]
    for operation in (one for methods in told["paths"].values() for one in methods.values()):
        operation["security"] = []
        operation["parameters"] = [one for one in operation["parameters"] if one["name"] != "X-XSRFToken"]
        for parameter in operation["parameters"]:
            if parameter["name"] == "number":
                parameter["schema"] = {"enum": [1, 2, 77]}
    for schema in told["components"]["schemas"].values():
        if schema.get("additionalProperties") is False and "service_type" in schema["properties"]:
            schema["properties"]["service_type"] = {"enum": ["login", "catalog", "nobody"]}
    return schemathesis.openapi.from_dict(told)


SCHEMA = asked()


def operations() -> Iterator[tuple[str, str]]:
    for path, methods in DOCUMENT["paths"].items():
        for method in methods:
            yield method, path


@pytest.mark.parametrize(("method", "path"), PUBLISHED)
def test_the_published_interface_is_in_it(method: str, path: str):
    assert method in DOCUMENT["paths"][path]


def test_every_method_of_every_handler_is_in_it():
    for path, handler in ROUTES:
        there = {
            name for name in (*METHODS, "put", "head", "options")
            if any(name in vars(kind) for kind in handler.__mro__ if kind.__module__.startswith("slaopt.server.rest"))
        }  # fmt: skip
        assert there == set(DOCUMENT["paths"][path]), path
        assert there, path


def test_every_route_is_served():
    assert len(routes("/")) == len(ROUTES) == len(DOCUMENT["paths"])
    for (pattern, handler, _), (path, told) in zip(routes("/a.b/"), ROUTES, strict=True):
        assert handler is told
        filled = re.sub(r"{\w+}", "1", path)
        assert re.fullmatch(pattern, f"/a.b{API}{filled}")
        assert not re.fullmatch(pattern, f"/aXb{API}{filled}")


def test_every_schema_is_one():
    for name, schema in DOCUMENT["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema, name
    names = set(re.findall(r"#/components/schemas/(\w+)", str(DOCUMENT)))
    assert names == set(DOCUMENT["components"]["schemas"])


@pytest.mark.parametrize(("method", "path"), list(operations()))
def test_the_page_explains_every_operation(method: str, path: str):
    assert re.search(rf"\| {method.upper()} `{re.escape(path)}` \|", PAGE), f"{method.upper()} {path}"


@pytest.mark.parametrize(("method", "path"), list(operations()))
def test_the_page_says_whose_right_an_operation_takes(method: str, path: str):
    (line,) = re.findall(rf"^\| {method.upper()} `{re.escape(path)}` \|.*$", PAGE, flags=re.MULTILINE)
    right = DOCUMENT["paths"][path][method].get("x-right")
    role = {"read": "viewer", "propose": "analyst", "approve": "approver", "administer": "admin", None: "all"}[right]
    assert line.rstrip(" |").endswith(f"| {role}"), line


@pytest.fixture(scope="module")
def served(made_workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server that requests of all kinds may spoil."""
    with approval_server(copied(made_workspace, tmp_path_factory.mktemp("fuzzed") / "workspace")) as running:
        with running.client("ann") as client:
            client.post(f"{API[1:]}/proposals", json={"service_type": "login"}).raise_for_status()
        yield running


@pytest.fixture(scope="module")
def clients(served: Running) -> Iterator[dict[str, httpx.Client]]:
    """Whoever may do a thing; each asks for others' things too, and is limited alone."""
    with served.client("bob") as bob, served.client("cid") as cid, served.client("dora") as dora:
        yield {"read": cid, "propose": bob, "approve": bob, "administer": dora}


def test_the_document_is_the_one_that_is_served(served: Running, clients: dict[str, httpx.Client]):
    assert clients["read"].get(f"{API}/openapi.json").json() == DOCUMENT


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize(("method", "path"), [one for one in operations() if one[1] != "/session"])
def test_requests_made_from_the_document_are_answered_as_it_says(
    served: Running, clients: dict[str, httpx.Client], method: str, path: str, mode: GenerationMode
):
    """Good and bad ones, but for logging in and out: that would end the sessions of the test."""
    operation = SCHEMA[path][method]
    client = clients[DOCUMENT["paths"][path][method].get("x-right", "read")]
    headers, base = {"X-XSRFToken": client.headers["X-XSRFToken"]}, served.url.rstrip("/") + API
    answered: list[int] = []

    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck),
        phases=(Phase.explicit, Phase.generate),
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case) -> None:
        answer = case.call(base_url=base, cookies=dict(client.cookies), headers=headers)
        answered.append(answer.status_code)
        assert answer.status_code not in (500, 503), answer.text
        case.validate_response(answer, checks=CHECKS)

    try:
        ask()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE, "there is nothing that could be wrong with it"
        return
    assert answered
    if mode is GenerationMode.POSITIVE and (method, path) in REACHED:
        assert 200 in answered or 202 in answered, answered
