"""The parts of a drawing in SVG: boxes, arrows and texts that stay in their place. Pure.

Every text is escaped, and cut where it would leave its box: the whole of it is then its tooltip.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

CHARACTER_PX = {"t-title": 13.0, "t-head": 9.0, "t-on-instance": 8.3}
PLAIN_CHARACTER_PX = 7.7
"""Width of a character of each style, generously. Measured: digits and capitals of DejaVu Sans, the
widest of the fonts that STYLE names."""
LINE_PX = 17
STYLE = """
.t-all { font-family: 'Segoe UI', 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif; }
.t-page { fill: #ffffff; }
.t-text { fill: #1c2733; font-size: 12px; }
.t-head { font-size: 13px; font-weight: 600; }
.t-title { font-size: 20px; font-weight: 600; }
.t-small { fill: #55636f; font-size: 12px; }
.t-host { fill: #ffffff; stroke: #7c8b99; }
.t-group { fill: #e4f1f7; stroke: #4a90ad; }
.t-frame { fill: #f4f8fa; stroke: #b6c4ce; }
.t-outside { fill: #fbf4e4; stroke: #c2a561; }
.t-cloud { fill: #f9e9e1; stroke: #d17a52; }
.t-instance { fill: #2b6f8f; }
.t-on-instance { fill: #ffffff; font-size: 12px; font-weight: 600; }
.t-tag { fill: #e3f0f6; font-size: 12px; }
.t-stopped { fill: #8b98a3; }
.t-healthy { fill: #1d7a46; }
.t-ill { fill: #b3261e; }
.t-unknown { fill: #8a5a00; }
.t-sign { stroke: #ffffff; stroke-width: 2.4; fill: none; stroke-linecap: round; }
.t-arrow { stroke: #55636f; stroke-width: 1.5; fill: none; }
.t-tip { fill: #55636f; }
.t-grid { stroke: #d5dee4; stroke-width: 1; fill: none; }
.t-processed { stroke: #2b6f8f; stroke-width: 2.5; fill: none; }
.t-known { stroke: #55636f; stroke-width: 1.5; stroke-dasharray: 6 4; fill: none; }
@media (prefers-color-scheme: dark) {
.t-page { fill: #15191d; }
.t-text { fill: #e6ebef; }
.t-small { fill: #a5b2bd; }
.t-host { fill: #20272d; stroke: #6f7d89; }
.t-group { fill: #17303b; stroke: #4a90ad; }
.t-frame { fill: #1a2025; stroke: #47535d; }
.t-outside { fill: #322a17; stroke: #a88d4e; }
.t-cloud { fill: #38231a; stroke: #c06d48; }
.t-instance { fill: #2f7c9f; }
.t-stopped { fill: #66727c; }
.t-healthy { fill: #23804c; }
.t-ill { fill: #b8352d; }
.t-unknown { fill: #8a5a00; }
.t-arrow { stroke: #a5b2bd; }
.t-tip { fill: #a5b2bd; }
.t-grid { stroke: #36424b; }
.t-processed { stroke: #7fc0dd; }
.t-known { stroke: #a5b2bd; }
}
"""

Stroke = tuple[tuple[float, float], ...]
SIGNS: dict[str, tuple[Stroke, ...]] = {
    "check": (((-7, 0), (-2, 5), (7, -5)),),
    "cross": (((-6, -6), (6, 6)), ((-6, 6), (6, -6))),
    "question": (((-4, -5), (-2, -8), (2, -8), (4, -5), (3, -2), (0, 1), (0, 3)), ((0, 7), (0, 7))),
    "bar": (((-6, 0), (6, 0)),),
}
"""What is told by colour is told by shape as well."""


@dataclass(frozen=True)
class Box:
    """A rectangle by its corner and size, px."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


@dataclass
class Drawing:
    """Collects what is drawn, in order."""

    parts: list[str] = field(default_factory=list)

    def box(self, box: Box, style: str, radius: int = 7, dashed: bool = False) -> None:
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        self.parts.append(
            f'<rect x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}"'
            f' rx="{radius}" class="{style}"{dash}/>'
        )

    def text(self, x: float, y: float, words: str, room_px: float, style: str = "") -> None:
        """Words with their left end at x; cut to `room_px`."""
        self._text(x, y, words, room_px, style, "start")

    def centred(self, x: float, y: float, words: str, room_px: float, style: str = "") -> None:
        self._text(x, y, words, room_px, style, "middle")

    def ending(self, x: float, y: float, words: str, room_px: float, style: str = "") -> None:
        """Words with their right end at x."""
        self._text(x, y, words, room_px, style, "end")

    def _text(
        self, x: float, y: float, words: str, room_px: float, style: str, anchor: str
    ) -> None:
        shown = fitted(words, room_px, CHARACTER_PX.get(style, PLAIN_CHARACTER_PX))
        tip = f"<title>{escape(words)}</title>" if shown != words else ""
        self.parts.append(
            f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" class="t-text {style}">'
            f"{tip}{escape(shown)}</text>"
        )

    def sign(self, x: float, y: float, name: str, tip: str) -> None:
        """A sign of SIGNS, 14 px wide, its middle at x and y; `tip` is its tooltip."""
        strokes = " ".join(
            "M" + " L".join(f"{x + dx:g},{y + dy:g}" for dx, dy in stroke) for stroke in SIGNS[name]
        )
        self.parts.append(f'<path d="{strokes}" class="t-sign"><title>{escape(tip)}</title></path>')

    def lines(self, box: Box, texts: Sequence[tuple[str, str]]) -> None:
        """Texts with their styles, one below the other, inside a box."""
        for number, (words, style) in enumerate(texts, 1):
            self.text(box.x + 10, box.y + 3 + number * LINE_PX, words, box.width - 20, style)

    def arrow(self, *points: tuple[float, float], has_tip: bool = True) -> None:
        """A line through the points; its tip is at the last one."""
        path = " L".join(f"{x:g},{y:g}" for x, y in points)
        self.parts.append(f'<path d="M{path}" class="t-arrow"/>')
        if has_tip:
            (x0, y0), (x, y) = points[-2], points[-1]
            ways = {True: [(9, -5), (9, 5)], False: [(-9, -5), (-9, 5)]}[x < x0]
            if x == x0:
                ways = [(-5, 9), (5, 9)] if y < y0 else [(-5, -9), (5, -9)]
            corners = " ".join(f"{x + dx:g},{y + dy:g}" for dx, dy in ways)
            self.parts.append(f'<polygon points="{x:g},{y:g} {corners}" class="t-tip"/>')

    def curve(self, points: Sequence[tuple[float, float]], style: str) -> None:
        """A line through many points."""
        path = " ".join(f"{x:g},{y:.1f}" for x, y in points)
        self.parts.append(f'<polyline points="{path}" class="{style}"/>')

    def svg(self, width: float, height: float, title: str) -> str:
        """The whole drawing, which says itself what it shows."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}"'
            f' width="{width:g}" height="{height:g}" class="t-all" role="img">'
        )
        page = f'<rect width="{width:g}" height="{height:g}" class="t-page"/>'
        style = f"<style>{STYLE}</style>"
        return "\n".join(
            [head, f"<title>{escape(title)}</title>", style, page, *self.parts, "</svg>", ""]
        )


def fitted(words: str, room_px: float, character_px: float = PLAIN_CHARACTER_PX) -> str:
    """The words, their middle left out if they are wider than the room."""
    most = max(3, int(room_px / character_px))
    if len(words) <= most:
        return words
    front = most // 2
    return f"{words[:front]}…{words[len(words) - (most - 1 - front) :]}"
