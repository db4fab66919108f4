"""What a run that failed or was interrupted has left, for its last lines."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from exctl.errors import FailedRun, InterruptedRun
from exctl.observe import versions
from exctl.observe.endpoints import ask_all, unhealthy
from exctl.runs.plan import left_out_lines
from exctl.site import Site
from exctl.terminal.progress import RunProgress


def failed(
    site: Site, progress: RunProgress, left_out: Mapping[str, str], reasons: str
) -> FailedRun:
    """`left_out`: instance → why nothing was done to it; none of them is asked."""
    state, running = _look(site, progress, left_out)
    begun = tuple(progress.touched)
    message = f"{reasons}\n\n{state}"
    return FailedRun(message, reasons, touched=bool(begun), running=running, begun=begun)


def interrupted(site: Site, progress: RunProgress, left_out: Mapping[str, str]) -> InterruptedRun:
    """The same, for a run that the operator stopped."""
    state, running = _look(site, progress, left_out)
    return InterruptedRun(
        "interrupted. The step under way was finished and saved, nothing after it was begun."
        f"\n{state}",
        tuple(progress.touched),
        running,
    )


def _look(site: Site, progress: RunProgress, left_out: Mapping[str, str]) -> tuple[str, str]:
    """What the run has done and what everything answers now; and which versions run."""
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(versions.line, site, left_out)
        rows = ask_all(site, left_out=left_out)
    names = [row.instance for row in rows if row.is_healthy]
    found = [*progress.report(), f"healthy now: {', '.join(names) or 'none'}"]
    for row in unhealthy(rows):
        down = f"; {', '.join(row.down)}" if row.down else ""
        found.append(f"not healthy now: {row.instance} on {row.host}: {row.answer}{down}")
    return "\n".join([*found, *left_out_lines(left_out)]), running.result()
