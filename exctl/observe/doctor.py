"""The preflight of a stack: by itself (`exctl doctor`), and before a run."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from exctl.errors import Interrupted, NothingTouched, PreflightStops
from exctl.observe import preflight_record
from exctl.pulumi.workspace import passphrase
from exctl.releases import store
from exctl.site import Site, stacks_of
from exctl.stackfile import secrets
from exctl.terminal import messages
from health.preflight import report
from health.preflight.finding import Finding
from health.preflight.registry import with_login
from health.preflight.run import examine
from health.preflight.subject import Subject, Watchers
from health.preflight.tunnel import trusting
from monitoring.placement import placement
from monitoring.program import MONITORING_LABEL
from stack.ssh import make_control_directory

if TYPE_CHECKING:
    from rich.table import Table

PATIENCE_SECONDS = 1.0
NAMES, GAP, WORDS_WIDTH = 3, "  ", 60
"""Chosen: the first three columns are names, and three columns of words want 20 characters each."""
Examine = Callable[[Subject, Callable[[], Subject], Collection[str]], list[Finding]]
NO_PASSPHRASE = "not tried: there is no passphrase to decrypt its secret with"


def findings(
    site: Site,
    file: Path | None = None,
    left_out: Collection[str] = (),
    look: Examine = examine,
) -> list[Finding]:
    """Every finding; nothing is changed on any host. `file` is what the site was opened from, if
    that isn't its stack file; nothing is asked of the hosts that are left out. `look` examines.

    Raises NothingTouched if preflight.ca_path can't be read, Interrupted at Ctrl-C.
    """
    _need_ca_file(site)
    make_control_directory()
    others = len(stacks_of(site.project)) - 1
    watchers = _watchers(site, left_out)
    subject = Subject(site.stack, site.config, site.layout, other_stacks=others, watchers=watchers)
    decrypted = _decrypting(site, subject, file)
    try:
        with _progress(len(set(site.layout.hosts) - set(left_out))):
            found = look(subject, decrypted, left_out)
    except KeyboardInterrupt:
        raise Interrupted("interrupted", touched=False) from None
    preflight_record.keep(site, found)
    return found


def _watchers(site: Site, left_out: Collection[str]) -> tuple[Watchers, ...]:
    placed = placement(site.config, site.layout, site.stack)
    if placed is None:
        return ()
    return tuple(
        Watchers(
            host=host,
            ports={each.port: placed.container_name(each) for each in placed.on(host)},
            images=tuple(each.image for each in placed.on(host)),
            label=(MONITORING_LABEL, placed.stack),
        )
        for host in placed.hosts
        if host not in left_out
    )


def next_step(site: Site, found: Sequence[Finding]) -> str:
    """The next command on the way to a first deployment; '' for a stack that has a release."""
    if store.numbers(site):
        return ""
    if report.stopping(found):
        return f"next: fix what FAILED, then run again: exctl doctor --stack {site.stack}"
    return f"next: exctl up --stack {site.stack}"


def _need_ca_file(site: Site) -> None:
    config = site.config
    paths = {
        "preflight.ca_path": config.preflight.ca_path,
        "genesys.ca_path": config.genesys.ca_path,
    }
    for name, path in paths.items():
        try:
            trusting(path)
        except OSError as error:  # ssl's errors are among them
            why = error.strerror or error
            raise NothingTouched(f"{name}: {path} isn't a file of certificates: {why}.") from None


def _decrypting(site: Site, subject: Subject, file: Path | None) -> Callable[[], Subject]:
    try:
        # Asked for now: later something else writes to the terminal.
        passphrase(site)
    except NothingTouched:
        return lambda: with_login(replace(subject, no_secrets=NO_PASSPHRASE), site.project)
    return lambda: with_login(replace(subject, secrets=secrets.all_of(site, file)), site.project)


@contextmanager
def _progress(hosts: int) -> Iterator[None]:
    """Tells a person at a terminal how long it has been going on, once that is over a second."""
    ended = threading.Event()

    def tell() -> None:
        started = time.monotonic()
        while not ended.wait(PATIENCE_SECONDS):
            seconds = time.monotonic() - started
            print(f"\rpreflight: {hosts} hosts, {seconds:.0f} s …", end="", file=sys.stderr)
            sys.stderr.flush()

    teller = threading.Thread(target=tell, daemon=True)
    if sys.stderr.isatty():
        teller.start()
    try:
        yield
    finally:
        ended.set()
        if teller.ident is not None:
            teller.join()
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def show(found: Sequence[Finding], to: TextIO, head: tuple[str, ...] = report.HEAD) -> None:
    """The table; on a terminal each cell is wrapped into its column, and where that leaves too
    little, each finding has lines of its own. No host and no check is ever cut."""
    if not to.isatty():
        for line in report.table(found, head):
            print(line, file=to)
        return
    from rich.console import Console

    console, rows = Console(file=to), report.rows(found)
    widths = [max(len(row[n]) for row in (head, *rows)) for n in range(NAMES)]
    if console.width - sum(widths) - NAMES * len(GAP) >= WORDS_WIDTH:
        console.print(_table(head, rows, widths))
        return
    for row in rows:
        console.print(GAP.join(filter(None, row[:NAMES])), style=_style(row), highlight=False)
        for name, cell in zip(head[NAMES:], row[NAMES:], strict=True):
            if cell:
                console.print(f"    {name.lower()}: {cell}", markup=False, highlight=False)


def _table(head: Sequence[str], rows: Sequence[tuple[str, ...]], widths: Sequence[int]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, len(GAP), 0, 0))
    for name, width in zip_longest(head, widths):
        table.add_column(name, min_width=width, no_wrap=width is not None)
    for row in rows:
        table.add_row(*map(Text, row), style=_style(row))
    return table


def _style(row: Sequence[str]) -> str:
    return "red" if row[0] == "FAILED" else ""


def require(site: Site, file: Path | None = None, left_out: Collection[str] = ()) -> None:
    """The preflight before a run, as `stop_at` says. The hosts that are left out aren't asked."""
    stop_at(site, findings(site, file, left_out))


def stop_at(site: Site, found: Sequence[Finding]) -> None:
    """Shows what isn't well, and raises PreflightStops if something would stop a deployment."""
    bad, warnings = report.stopping(found), report.warning(found)
    if bad or warnings:
        show([*bad, *warnings], sys.stderr)
        for line in report.table([*bad, *warnings]):
            messages.note(line)
    messages.say(f"preflight: {report.summary(found)}")
    messages.report("preflight", checks=len(found), findings=report.as_json([*bad, *warnings]))
    if not bad:
        return
    checks = tuple(dict.fromkeys(finding.check for finding in bad))
    raise PreflightStops(
        f"the preflight stops this: {', '.join(checks)}. Fix what the table names; or, if"
        " it doesn't matter here, waive it by name (or name@host) with a reason under"
        f" exec:preflight in Pulumi.{site.stack}.yaml. To check again: exctl doctor --stack"
        f" {site.stack}",
        checks,
    )
