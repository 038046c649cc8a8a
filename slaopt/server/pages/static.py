"""Style, scripts and pictures: a fixed table of files, so that no address reaches another; reports look the same."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jupyter_server.auth.decorator import allow_unauthenticated
from tornado import web

__all__ = ["StaticHandler", "address"]

SERVER = Path(__file__).parents[1] / "static"
REPORT = Path(__file__).parents[2] / "report" / "templates" / "slaopt"
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
FILES = {
    **{name: REPORT / name for name in ("page.css", "theme.js", "index.js")},
    **{name: SERVER / name for name in ("pages.css", "pages.js", "dialogs.js", "live.js", "icon.svg")},
}
YEAR = 365 * 86_400


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    digest: str


def address(name: str) -> str:
    """Give the address of a file below `static/`; it changes with the content, so that browsers may keep it."""
    return f"{name}?v={_file(name).digest}"


@cache
def _file(name: str) -> _File:
    content = FILES[name].read_bytes()
    return _File(content=content, digest=hashlib.sha256(content).hexdigest()[:12])


class StaticHandler(web.RequestHandler):
    """Answers one file of the table, to anyone: the login page needs them."""

    @allow_unauthenticated
    def get(self, name: str) -> None:
        """Answer the file, to be kept where the address names its content."""
        if name not in FILES:
            raise web.HTTPError(404)
        file = _file(name)
        kept = self.get_query_argument("v", "") == file.digest
        self.set_header("Content-Type", f"{TYPES[Path(name).suffix]}; charset=utf-8")
        self.set_header("Cache-Control", f"public, max-age={YEAR}, immutable" if kept else "no-cache")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.clear_header("Server")
        self.finish(file.content)
