"""The command that serves the pages on which changes are approved."""

from __future__ import annotations

import os
from pathlib import Path

import click

from slaopt.cli.answers import DONE
from slaopt.cli.options import store_option, workspace_option

__all__ = ["serve"]


@click.command()
@click.option("--ip", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8890, show_default=True, help="Port to listen at; 0: any."
)
@click.option("--base-url", default="/", show_default=True, help="Path below which everything is served.")
@click.option("--certfile", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="Certificate for TLS, PEM.")  # fmt: skip
@click.option("--keyfile", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Its private key, PEM.")
@click.option("--behind-proxy", is_flag=True, help="A proxy with TLS stands before: believe its X-Forwarded-* headers.")
@click.option("--jupyterhub", is_flag=True, help="People log in at the JupyterHub that started this as a service.")
@click.option("--insecure-http", is_flag=True, help="Listen without TLS where other machines reach it.")
@store_option
@workspace_option
def serve(
    ip: str, port: int, base_url: str, certfile: Path | None, keyfile: Path | None, behind_proxy: bool,
    jupyterhub: bool, insecure_http: bool, store: str | None, workspace: Path | None,
) -> int:  # fmt: skip
    """Serve the pages on which changes are approved: Jupyter Server without kernels, terminals and files.

    \b
    Example:  slaopt serve --port 8890
    """
    from slaopt.server.hub import Hub
    from slaopt.server.serving import Serving
    from slaopt.server.serving import serve as run
    from slaopt.workspace import find_workspace

    hub = Hub.of(os.environ) if jupyterhub else None
    if hub is not None:
        ip, port, base_url = hub.ip, hub.port, hub.base_url
    run(
        Serving(
            workspace=find_workspace(workspace), store=store, ip=ip, port=port, base_url=base_url, certfile=certfile,
            keyfile=keyfile, behind_proxy=behind_proxy, insecure_http=insecure_http, hub=hub,
        )
    )  # fmt: skip
    return DONE
