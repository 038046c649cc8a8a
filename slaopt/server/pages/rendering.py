"""Templates of the pages: every value escaped, numbers kept on one line, addresses made in one place."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from slaopt.server.base import API, PAGES
from slaopt.server.pages.static import address

if TYPE_CHECKING:
    from jinja2 import Environment
    from jupyter_server.base.handlers import JupyterHandler

__all__ = ["POLICY", "UNDER", "fill", "login_page", "sentence"]

UNDER = f"{PAGES}/"  # of the pages, below the server's own address
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)


def fill(template: str, *, base_url: str, **values: Any) -> str:
    """Fill a template; `base`, `api` and `static(name)` are addresses below the server's own."""
    made = _environment().get_template(template)
    return made.render(
        base=f"{base_url}{UNDER}",
        api=f"{base_url}{API}/",
        static=lambda name: f"{base_url}{UNDER}static/{address(name)}",
        **values,
    )


def login_page(
    handler: JupyterHandler, *, next_url: str, name: str = "", message: str | None = None, code: bool = False
) -> str:
    """Make the page on which one logs in; its form goes to the address of the handler that shows it.

    Parameters
    ----------
    next_url
        Where to go then; whoever takes the form checks that it is on this server.
    message
        Why the last attempt was refused.
    code
        Whether to ask for the code of the second factor too.
    """
    handler.set_header("Content-Security-Policy", POLICY)
    return fill(
        "login.html",
        base_url=handler.base_url,
        title="Log in",
        kind="entrance",
        action=f"{handler.base_url}login",
        xsrf=handler.xsrf_token.decode("ascii"),
        next_url=next_url,
        name=name,
        message=message,
        code=code,
    )


def sentence(words: str) -> str:
    """Make a sentence of what an error says; names keep their small letters.

    >>> sentence("one person has to approve it"), sentence("slaopt is switched off."), sentence("login: 2 s is set")
    ('One person has to approve it.', 'slaopt is switched off.', 'login: 2 s is set.')
    """
    first = words.split(maxsplit=1)[0] if words.strip() else ""
    if first != "slaopt" and not first.endswith(":"):
        words = words[:1].upper() + words[1:]
    return words if words.endswith((".", "?")) else f"{words}."


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    from slaopt.parts.markup import bound

    made = Environment(
        loader=PackageLoader("slaopt.server"), autoescape=True, undefined=StrictUndefined, finalize=bound,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.filters["sentence"] = sentence
    return made
