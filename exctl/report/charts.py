"""Runs as charts, in SVG of our own: what a run did when (Gantt), how its sync went on. Pure.

In light and dark, on paper and on a phone: nothing is told by colour alone, and the numbers stand
beside the bars.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from exctl.history.run import Run
from exctl.observe.health_past import Past, Samples
from exctl.observe.svg import Box, Drawing
from stack.text import seconds_text

WIDTH, LEFT, RIGHT, TOP = 900.0, 110.0, 116.0, 76.0
ROW, BAR = 26.0, 14.0
SYNC_HEIGHT = 180.0
STYLES = {
    "image": ("t-host", "image pulled"),
    "guard": ("t-outside", "guard"),
    "container": ("t-instance", "container"),
    "health": ("t-healthy", "until healthy"),
    "sync": ("t-group", "sync"),
    "bake": ("t-cloud", "bake"),
}
"""Kind of step → style and what it is, in the order of a legend and of what lies above what."""
TICKS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200)
MOST_TICKS = 10


@dataclass(frozen=True)
class Bar:
    """One step of an instance, in seconds of the run."""

    what: str
    begun: float
    ended: float
    state: str


def rollout(run: Run) -> str | None:
    """What each instance waited for and was given, when; None of a run that touched nothing, or
    from before runs kept it."""
    rows = bars_of((run.ended or {}).get("timeline") or ())
    if not rows:
        return None
    whole = max(bar.ended for bars in rows.values() for bar in bars)
    title = f"Run {run.number}, {run.at}: {run.outcome}"
    drawing = Drawing()
    drawing.text(16, 26, title, WIDTH - 32, "t-head")
    _legend(drawing, {bar.what for bars in rows.values() for bar in bars}, rows)
    bottom = TOP + ROW * len(rows)
    _axis(drawing, whole, TOP - 8, bottom)
    for number, (instance, bars) in enumerate(rows.items()):
        _row(drawing, TOP + ROW * number, instance, bars, whole)
    return drawing.svg(WIDTH, bottom + 34, title)


def bars_of(timeline: Sequence[Mapping[str, Any]]) -> dict[str, list[Bar]]:
    """Instance → its steps, instances by when they begin; a step without an end lasts until the
    last moment that is known."""
    known = [float(step.get("ended_seconds", step["begun_seconds"])) for step in timeline]
    last = max(known, default=0.0)
    found: dict[str, list[Bar]] = {}
    for step in sorted(timeline, key=lambda step: float(step["begun_seconds"])):
        if step["what"] in STYLES:
            begun, ended = float(step["begun_seconds"]), float(step.get("ended_seconds", last))
            bar = Bar(step["what"], begun, ended, str(step.get("state", "")))
            found.setdefault(str(step["instance"]), []).append(bar)
    first = {key: min(b.begun for b in bars if b.what != "image" or len(bars) == 1)
             for key, bars in found.items()}  # fmt: skip
    return dict(sorted(found.items(), key=lambda item: first[item[0]]))


def _row(drawing: Drawing, y: float, instance: str, bars: Sequence[Bar], whole: float) -> None:
    drawing.ending(LEFT - 10, y + 17, instance, LEFT - 20)
    order = list(STYLES)
    for bar in sorted(bars, key=lambda bar: order.index(bar.what)):
        x = _x(bar.begun, whole)
        width = max(2.0, _x(bar.ended, whole) - x)
        style = "t-ill" if bar.state == "failed" else STYLES[bar.what][0]
        drawing.box(Box(x, y + 6, width, BAR), style, radius=2, dashed=bar.state == "begun")
        if bar.state == "failed" and width > 16:
            drawing.sign(x + width / 2, y + 6 + BAR / 2, "cross", f"{STYLES[bar.what][1]} failed")
    end = max(bar.ended for bar in bars)
    failed = any(bar.state == "failed" for bar in bars)
    words = f"{'failed, ' if failed else ''}{seconds_text(end)}"
    drawing.text(WIDTH - RIGHT + 8, y + 17, words, RIGHT - 10, "t-small")


def _legend(drawing: Drawing, kinds: set[str], rows: Mapping[str, Sequence[Bar]]) -> None:
    x = LEFT
    shown = [STYLES[kind] for kind in STYLES if kind in kinds]
    if any(bar.state == "failed" for bars in rows.values() for bar in bars):
        shown.append(("t-ill", "failed"))
    for style, words in shown:
        drawing.box(Box(x, 40, 14, 12), style, radius=2)
        drawing.text(x + 20, 50, words, 120, "t-small")
        x += 36 + 7.7 * len(words)


def _axis(drawing: Drawing, whole: float, top: float, bottom: float) -> None:
    for second in _ticks(whole):
        x = _x(second, whole)
        drawing.curve([(x, top), (x, bottom)], "t-grid")
        drawing.centred(x, bottom + 18, seconds_text(second) if second else "0", 80, "t-small")


def _ticks(whole: float) -> Iterator[float]:
    step = next((t for t in TICKS if whole / t <= MOST_TICKS), TICKS[-1])
    second = 0.0
    while second <= whole:
        yield second
        second += step


def _x(second: float, whole: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * (second / whole if whole else 0.0)


def sync(run: Run) -> str | None:
    """How many objects the sync of a run had processed, and how many there were; None of a run
    without a sync that took a while."""
    found = (run.ended or {}).get("sync_progress") or ()
    samples = [(float(s), float(done), float(known)) for s, done, known in found]
    if len(samples) < 2:
        return None
    title = f"Sync of run {run.number}: objects processed, of those known"
    first, whole = samples[0][0], samples[-1][0]
    most = max(max(done, known) for _, done, known in samples) or 1.0
    top = TOP - 20
    bottom = top + SYNC_HEIGHT

    def point(second: float, value: float) -> tuple[float, float]:
        return _x(second - first, whole - first), bottom - SYNC_HEIGHT * value / most

    drawing = Drawing()
    drawing.text(16, 26, title, WIDTH - 32, "t-head")
    _axis(drawing, whole - first, top, bottom)
    for number, style in ((2, "t-known"), (1, "t-processed")):
        drawing.curve([point(sample[0], sample[number]) for sample in samples], style)
    _, done, known = samples[-1]
    drawing.text(WIDTH - RIGHT + 8, point(whole, done)[1] + 16, f"{done:.0f}", RIGHT - 10)
    drawing.text(WIDTH - RIGHT + 8, point(whole, known)[1] - 4, f"of {known:.0f}", RIGHT - 10)
    return drawing.svg(WIDTH, bottom + 34, title)


def health(past: Past) -> str | None:
    """How each instance was in the last day; None where nothing is remembered."""
    if not past.instances:
        return None
    whole = past.ended - past.began
    day = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(past.ended))
    title = f"Health in the {whole / 3600:.0f} hours until {day}"
    drawing = Drawing()
    drawing.text(16, 26, title, WIDTH - 32, "t-head")
    for x, style, words in ((LEFT, "t-healthy", "served"), (LEFT + 90, "t-ill", "did not serve")):
        drawing.box(Box(x, 40, 14, 12), style, radius=2)
        drawing.text(x + 20, 50, words, 120, "t-small")
    bottom = TOP + ROW * len(past.instances)
    hours = int(whole // 3600)
    for ago in range(0, hours + 1, 4):
        x = _x(whole - ago * 3600, whole)
        drawing.curve([(x, TOP - 8), (x, bottom)], "t-grid")
        drawing.centred(x, bottom + 18, f"-{ago} h" if ago else "now", 60, "t-small")
    rows = sorted(past.instances.items(), key=lambda item: (item[0] != "excs", item[0]))
    for number, (instance, samples) in enumerate(rows):
        y = TOP + ROW * number
        drawing.ending(LEFT - 10, y + 17, instance, LEFT - 20)
        for begun, ended, is_up in _stretches(samples, past.step_seconds):
            x, to = (_x(max(0.0, each - past.began), whole) for each in (begun, ended))
            # What was down is narrower as well: on paper without colours it is seen.
            box = Box(x, y + 6, max(1.5, to - x), BAR) if is_up else Box(x, y + 11, to - x, 4)
            drawing.box(box, "t-healthy" if is_up else "t-ill", radius=0)
        share = sum(is_up for _, is_up in samples) / len(samples)
        drawing.text(WIDTH - RIGHT + 8, y + 17, f"{share:.1%}", RIGHT - 10, "t-small")
    return drawing.svg(WIDTH, bottom + 34, title)


def _stretches(samples: Samples, step_seconds: float) -> Iterator[tuple[float, float, bool]]:
    """Begin, end and whether it was up, of moments in a row that were alike. A moment stands for
    the step before it."""
    begun = ended = 0.0
    was_up: bool | None = None
    for at, is_up in samples:
        if was_up is is_up and at - ended <= step_seconds * 1.5:
            ended = at
            continue
        if was_up is not None:
            yield begun, ended, was_up
        begun, ended, was_up = at - step_seconds, at, is_up
    if was_up is not None:
        yield begun, ended, was_up
