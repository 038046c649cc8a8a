"""The approval server: Jupyter Server with nothing in it that runs code or opens files, so that roles hold."""

from __future__ import annotations

import ipaddress
import logging
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jupyter_core.paths import jupyter_runtime_dir
from jupyter_server.serverapp import ServerApp
from traitlets.config import Config

from slaopt.errors import InputError
from slaopt.params import load_params
from slaopt.server.authorizer import SlaoptAuthorizer
from slaopt.server.base import PAGES
from slaopt.server.hub import Hub
from slaopt.server.identity import SlaoptIdentityProvider

__all__ = ["PORT", "Serving", "serve"]

PORT = 8890
LARGEST_BODY = 1024 * 1024  # bytes that are read at all; handlers take less
EXTENSION = "slaopt.server"


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """How the approval server is reached."""

    workspace: Path
    store: str | None = None
    ip: str = "127.0.0.1"
    port: int = PORT
    base_url: str = "/"
    certfile: Path | None = None
    keyfile: Path | None = None
    behind_proxy: bool = False  # X-Forwarded-* are believed, and cookies go over TLS alone
    insecure_http: bool = False
    hub: Hub | None = None  # that people log in at; address and path are then those that it gave

    @property
    def is_local(self) -> bool:
        """Whether this machine alone reaches it."""
        if self.ip == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.ip).is_loopback
        except ValueError:
            return False


class ApprovalServer(ServerApp):
    """Jupyter Server without kernels, terminals, files, contents, and without anyone's settings of Jupyter."""

    name = "slaopt-serve"
    is_approval_server = True
    default_services = ()  # type: ignore[assignment]  # none of Jupyter's own, at no address

    def load_config_file(self, *_: Any, **__: Any) -> None:
        """Load none: what somebody set for their notebooks must not open anything here."""

    def init_signal(self) -> None:
        """End at the first interrupt; there is no kernel that one could lose."""
        super().init_signal()
        signal.signal(signal.SIGINT, self._signal_stop)

    def start_app(self) -> None:
        """Say where the pages are; leave out what Jupyter says and writes for browsers and other programs."""
        self.log.info("the approval server is at %s (interrupt to stop)", self.local_url)


def serve(serving: Serving) -> None:
    """Serve until interrupted or terminated.

    Raises
    ------
    InputError
        If there is no workspace, or passwords would cross a network in the clear.
    """
    refuse_in_the_clear(serving)
    server = ApprovalServer.instance(config=config_of(serving), jpserver_extensions={EXTENSION: True})
    server.initialize(argv=[], find_extensions=False)
    logging.getLogger("slaopt").parent = server.log
    server.start()


def refuse_in_the_clear(serving: Serving) -> None:
    """Refuse plain HTTP that other machines can reach, unless that is asked for.

    Raises
    ------
    InputError
        With what to do instead.
    """
    if not serving.is_local and serving.certfile is None and not serving.insecure_http:
        raise InputError(
            f"--ip {serving.ip}: passwords would cross the network in the clear; give --certfile and --keyfile, or put "
            "a proxy with TLS before 127.0.0.1 (--behind-proxy), or say --insecure-http where the network is safe"
        )


def config_of(serving: Serving) -> Config:
    """Give the settings of Jupyter Server that make it the approval server."""
    settings: dict[str, Any] = {
        "ServerApp": {
            "ip": serving.ip,
            "port": serving.port,
            "port_retries": 0,
            "base_url": serving.base_url,
            "default_url": f"{serving.base_url.rstrip('/')}/{PAGES}/",
            "root_dir": str(serving.workspace),
            "open_browser": False,
            "cookie_secret_file": str(Path(jupyter_runtime_dir(), "slaopt_cookie_secret")),
            "allow_root": True,  # of a container; nothing that is served runs code
            "allow_unauthenticated_access": False,
            "disable_check_xsrf": False,
            "authenticate_prometheus": True,
            "terminals_enabled": False,
            "quit_button": False,
            "trust_xheaders": serving.behind_proxy or serving.hub is not None,
            "max_body_size": LARGEST_BODY,
            "max_buffer_size": 2 * LARGEST_BODY,
            "identity_provider_class": SlaoptIdentityProvider,
            "authorizer_class": SlaoptAuthorizer,
            "tornado_settings": {"xsrf_cookie_kwargs": _xsrf_cookie(serving), **_hub(serving)},
            **_hosts(serving),
        },
        "ContentsManager": {"files_handler_class": None},
        "SlaoptIdentityProvider": {"secure_cookie": True if _is_secure(serving) else None},
        "SlaoptApp": {"workspace": str(serving.workspace), "store": serving.store or ""},
    }
    if serving.certfile is not None:
        settings["ServerApp"] |= {"certfile": str(serving.certfile), "keyfile": str(serving.keyfile or "")}
    return Config(settings)


def _hub(serving: Serving) -> dict[str, Any]:
    return {} if serving.hub is None else {"slaopt_hub": serving.hub}


def _is_secure(serving: Serving) -> bool:
    return serving.certfile is not None or serving.behind_proxy


def _xsrf_cookie(serving: Serving) -> dict[str, Any]:
    """Scripts of the pages read this cookie, since they send it back in a header."""
    return {"path": serving.base_url, "samesite": "Strict", **({"secure": True} if _is_secure(serving) else {})}


def _hosts(serving: Serving) -> dict[str, Any]:
    """Names by which the server may be asked for, so that a foreign name which points here (DNS rebinding) is refused.

    Those are this machine's own, and the one that params name as `server`. Without one, a server that others reach,
    or that a hub's proxy stands before, has to take every name.
    """
    named = urlsplit(load_params(serving.workspace).default.server or "").hostname
    if named is None and (serving.hub is not None or not serving.is_local):
        return {"allow_remote_access": True}
    return {"allow_remote_access": False, "local_hostnames": ["localhost", *([named] if named else [])]}
