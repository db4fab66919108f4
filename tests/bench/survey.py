"""`python -m tests.bench.survey 100000`: how long a survey of so many persons takes, its memory.

PostgreSQL runs beside it on the same host; the survey is a process of its own, which imports what
`exctl survey` does.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

AGENTS = 100_000


def main() -> None:
    if sys.argv[1:2] == ["--port"]:
        survey(int(sys.argv[2]))
        return
    from tests.unit.engage.config_db import config_db

    agents = int(sys.argv[1]) if len(sys.argv) > 1 else AGENTS
    with tempfile.TemporaryDirectory() as logs, config_db(Path(logs), agents) as database:
        database.sql("analyze")
        again = [sys.executable, "-m", "tests.bench.survey", "--port", str(database.port)]
        subprocess.run(again, check=True)


def survey(port: int) -> None:
    """Prints what it took."""
    import pulumi  # noqa: F401  # exctl has it loaded when it surveys, to decrypt the password

    from engage.results import Wanted
    from engage.survey import taken
    from exctl.engage import connection, page, points
    from exctl.engage.page import Taken
    from exctl.report import markup
    from lab import settings
    from tests.unit.exctl.sites import make_site

    database = {"host": "127.0.0.1", "port": port, "user": settings.DATABASE_USER}
    site = make_site(excs__config_db=database | {"name": settings.DATABASE})
    wanted = Wanted("1", site.config.tenant.org_id, ("Service",), 5400.0, {})
    started = time.monotonic()
    secrets = {connection.SECRET: settings.DATABASE_PASSWORD}
    with connection.session(site, secrets, "direct") as session:
        found = taken(session, wanted)
    whole = Taken("bench", "", "engage", wanted, found, points.of(found, wanted))
    markup.html(page.document(whole))
    json.dumps(page.as_json(whole))
    seconds = time.monotonic() - started
    print(f"{found.persons} persons: {seconds:.1f} s, {_peak_mib()} MiB at the most")


def _peak_mib() -> int:
    (line,) = (
        line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line
    )
    return int(line.split()[1]) // 1024


if __name__ == "__main__":
    main()
