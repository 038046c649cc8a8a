"""The Jupyter Server extension: pages and REST. Handlers parse, call and answer; nothing is computed here."""

from __future__ import annotations

from typing import Any

__all__: list[str] = []


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """What Jupyter Server asks an extension for: its application."""
    from slaopt.server.app import SlaoptApp

    return [{"module": "slaopt.server.app", "app": SlaoptApp}]


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    """What `jupyter labextension develop` asks for: where the launcher's tile lies."""
    return [{"src": "labextension", "dest": "slaopt"}]
