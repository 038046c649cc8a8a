"""People: who may do what in a store, how they show who they are, and what is kept about them."""

from slaopt.apply.actor import is_solo
from slaopt.apply.people.logins import Session, log_in, log_out, token_digest, who
from slaopt.apply.people.passwords import SHORTEST
from slaopt.apply.people.second_factor import (
    CodeNeededError,
    check_code,
    confirm_enrollment,
    enroll,
    remove_second_factor,
    use_code,
)
from slaopt.apply.people.solo import set_solo
from slaopt.apply.people.stored import StoredAboutPeople, stored_about_people
from slaopt.apply.people.terminal import (
    forget_terminal_session,
    keep_terminal_session,
    os_user,
    sessions_file,
    terminal_session,
)
from slaopt.apply.people.users import add_user, disable_user, enable_user, set_password, set_role

__all__ = [
    "SHORTEST",
    "CodeNeededError",
    "Session",
    "StoredAboutPeople",
    "add_user",
    "check_code",
    "confirm_enrollment",
    "disable_user",
    "enable_user",
    "enroll",
    "forget_terminal_session",
    "is_solo",
    "keep_terminal_session",
    "log_in",
    "log_out",
    "os_user",
    "remove_second_factor",
    "sessions_file",
    "set_password",
    "set_role",
    "set_solo",
    "stored_about_people",
    "terminal_session",
    "token_digest",
    "use_code",
    "who",
]
