"""The Config DB, logged in to from the host of EXCS."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from config_schema import CheckName
from health.preflight.check import Check, HostView
from health.preflight.finding import Finding, Verdict
from health.preflight.outcome import NOT_FORWARDED_FIX, Outcome, of_error
from health.preflight.subject import Subject
from health.preflight.tunnel import Tunnels, trusting_anybody
from oci.registry import reasons

_WRONG_LOGIN = ("28P01", "28000")
_NO_DATABASE, _NO_ENCRYPTION = "3D000", "Server refuses SSL"


def ask(subject: Subject, tunnels: Tunnels) -> Outcome:
    """Logs in as EXCS does and asks nothing further.

    With `ssl` it speaks TLS with whoever answers: what EXCS checks of the certificate isn't
    documented, and neither is a place for its authority.
    """
    database = subject.config.excs.config_db
    if database.type != "postgresql":
        return Outcome("not asked", f"reached; a login to {database.type} isn't tried from here")
    password = subject.secrets.get("configDbPassword")
    if password is None:
        return Outcome("not asked", subject.no_secrets or "configDbPassword isn't set")
    return _logged_in(subject, password, tunnels)


def _logged_in(subject: Subject, password: str, tunnels: Tunnels) -> Outcome:
    # Not at the top: it takes a while to load, which it then does while ssh logs in.
    from pg8000.exceptions import Error
    from pg8000.native import Connection

    database = subject.config.excs.config_db
    try:
        connection = Connection(
            database.user,
            password=password,
            database=database.name,
            host=database.host,
            sock=tunnels.connect(subject.config_db),
            ssl_context=trusting_anybody() if database.ssl else False,
            application_name="exctl doctor",
        )
    except Error as error:
        return of_failure(error, tunnels)
    except Exception as error:  # noqa: BLE001  (what isn't a database at all ends in any error)
        return of_error(error, tunnels)
    with contextlib.suppress(Error, OSError):
        connection.close()
    return Outcome("done")


def of_failure(error: Exception, tunnels: Tunnels) -> Outcome:
    """The server's error by its code; its text is its own, and not taken over.

    pg8000 closes the connection after a refusal, and where that fails as well its complaint stands
    before the reason: the reason is looked for in all that the error came from.
    """
    said = [cause.args[0] for cause in reasons(error) if cause.args]
    code = next((words["C"] for words in said if isinstance(words, dict) and "C" in words), None)
    if code in _WRONG_LOGIN:
        return Outcome("refused", "it refuses the user, or configDbPassword")
    if code == _NO_DATABASE:
        return Outcome("refused", "it has no database of that name")
    if code is not None:
        return Outcome("failed", f"it answers with the error {code}")
    if any(_NO_ENCRYPTION in str(words) for words in said):
        return Outcome("failed", "it speaks no TLS, but excs.config_db.ssl is true")
    return of_error(error, tunnels)


def _judge(view: HostView) -> Iterator[Finding]:
    outcome = view.answers.config_db
    if outcome is None:
        return
    database = view.subject.config.excs.config_db
    needed = f"{database.user} logs in to {database.name} at {view.subject.config_db}"
    if outcome.kind == "done":
        yield Finding(CheckName.CONFIG_DB_LOGIN, view.host, "logged in", needed)
        return
    verdict: Verdict = "unknown" if outcome.is_unknown else "failed"
    fix = {
        "refused": "exctl rotate configDbPassword, or correct excs.config_db",
        "not asked": "set what is missing, or try the login by hand",
        "not forwarded": NOT_FORWARDED_FIX,
    }.get(outcome.kind, "check that the database runs, and that excs.config_db is right")
    yield Finding(CheckName.CONFIG_DB_LOGIN, view.host, outcome.words, needed, verdict, fix)


LOGIN = Check(
    CheckName.CONFIG_DB_LOGIN, "the Config DB takes its user and configDbPassword", _judge
)
