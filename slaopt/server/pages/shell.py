"""What stands around every page: the tabs, who is logged in, and what holds for everything here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from slaopt.apply.actor import Actor, may

if TYPE_CHECKING:
    from slaopt.server.answers import Overview
    from slaopt.server.context import Mode

__all__ = ["TABS", "Banner", "Shell", "shell_of"]

TABS = (  # name, address, words
    ("overview", "", "Overview"),
    ("recommendations", "recommendations", "Recommendations"),
    ("experiments", "experiments", "A/B tests"),
    ("history", "history", "History"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Banner:
    """Something that holds for every page."""

    kind: Literal["look", "poor"]
    claim: str
    rest: str
    href: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """What a page says around its content."""

    name: str
    role: str
    waiting: int
    banners: tuple[Banner, ...]
    can_log_out: bool


def shell_of(overview: Overview, actor: Actor, *, mode: Mode, server: str | None) -> Shell:
    """Write what stands around a page.

    Parameters
    ----------
    server
        Address of the approval server, as params name it.
    """
    return Shell(
        name=actor.name,
        role="works alone" if actor.solo else actor.role or "no role",
        waiting=overview.waiting,
        banners=tuple(_banners(overview, actor, mode, server)),
        can_log_out=mode == "approval server",
    )


def _banners(overview: Overview, actor: Actor, mode: Mode, server: str | None) -> list[Banner]:
    found = []
    if not overview.enabled:
        found.append(
            Banner(
                kind="look",
                claim="slaopt is switched off.",
                rest="Everything can be read, nothing can be changed: params/default.yaml says enabled: false.",
            )
        )
    if mode == "lab" and not may(actor, "approve"):
        found.append(
            Banner(
                kind="look",
                claim="Here one looks and proposes.",
                rest="Whoever has a kernel could pass every rule by, so approving is done on the approval server"
                + (":" if server else ", which slaopt serve starts."),
                href=f"{server.rstrip('/')}/slaopt/" if server else "",
                link="go there" if server else "",
            )
        )
    return found
