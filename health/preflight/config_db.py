"""The Config DB, logged in to from the host of EXCS."""

from __future__ import annotations

from health.preflight.finding import Finding, Verdict
from health.preflight.outcome import Outcome, of_error
from health.preflight.subject import Subject
from health.preflight.tunnel import Tunnels, trusting_anybody

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
        connection.close()
    except Error as error:
        return _of(error, tunnels)
    except Exception as error:  # noqa: BLE001  (what isn't a database at all ends in any error)
        return of_error(error, tunnels)
    return Outcome("done")


def _of(error: Exception, tunnels: Tunnels) -> Outcome:
    """The server's error by its code; its text is its own, and not taken over."""
    said = error.args[0] if error.args else None
    code = said.get("C") if isinstance(said, dict) else None
    if code in _WRONG_LOGIN:
        return Outcome("refused", "it refuses the user, or configDbPassword")
    if code == _NO_DATABASE:
        return Outcome("refused", "it has no database of that name")
    if code is not None:
        return Outcome("failed", f"it answers with the error {code}")
    if _NO_ENCRYPTION in str(said):
        return Outcome("failed", "it speaks no TLS, but excs.config_db.ssl is true")
    return of_error(error, tunnels)


def finding(subject: Subject, host: str, outcome: Outcome) -> Finding:
    """What the outcome amounts to; pure."""
    database = subject.config.excs.config_db
    needed = f"{database.user} logs in to {database.name} at {subject.config_db}"
    if outcome.kind == "done":
        return Finding("config-db-login", host, "logged in", needed)
    if outcome.kind == "not asked":
        fix = "set what is missing, or try the login by hand"
        return Finding("config-db-login", host, outcome.words, needed, "not known", fix)
    verdict: Verdict = "stops"
    fix = {
        "refused": "exctl rotate configDbPassword, or correct excs.config_db",
    }.get(outcome.kind, "see that the database runs, and that excs.config_db is right")
    return Finding("config-db-login", host, outcome.words, needed, verdict, fix)
