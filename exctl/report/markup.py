"""A document of headings, paragraphs and tables, written as Markdown or as one page of HTML. Pure.

Whatever comes from a service or a stack file is a text here, and escaped as such in both forms.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape

GOOD, BAD, CAUTION = "good", "bad", "caution"
STYLE = """
:root { color-scheme: light dark; --text: #1c2733; --soft: #55636f; --line: #d5dee4;
  --page: #ffffff; --panel: #f4f8fa; --good: #1d7a46; --bad: #b3261e; --caution: #8a5a00;
  --good-bg: #e2f4ea; --bad-bg: #fbe6e4; --caution-bg: #fdf1d8; --accent: #2b6f8f; }
@media (prefers-color-scheme: dark) { :root { --text: #e6ebef; --soft: #a5b2bd;
  --line: #36424b; --page: #15191d; --panel: #1d242a; --good: #7fd6a4; --bad: #ff9c94;
  --caution: #f0c36d; --good-bg: #173626; --bad-bg: #46201d; --caution-bg: #3d2f12;
  --accent: #7fc0dd; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); line-height: 1.5;
  font: 15px 'Segoe UI', 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 32px 28px 64px; }
h1 { font-size: 27px; margin: 0 0 4px; }
h2 { font-size: 18px; margin: 38px 0 10px; padding-bottom: 6px;
  border-bottom: 2px solid var(--accent); }
.lead { color: var(--soft); margin: 0 0 18px; }
.facts { display: flex; flex-wrap: wrap; gap: 10px; margin: 18px 0 0; padding: 0;
  list-style: none; }
.facts li { padding: 7px 14px; border-radius: 8px; background: var(--panel);
  border: 1px solid var(--line); }
.good { color: var(--good); } .bad { color: var(--bad); } .caution { color: var(--caution); }
.facts li.good { background: var(--good-bg); border-color: transparent; }
.facts li.bad { background: var(--bad-bg); border-color: transparent; }
.facts li.caution { background: var(--caution-bg); border-color: transparent; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; }
th { text-align: left; color: var(--soft); font-weight: 600; padding: 6px 14px 6px 0;
  border-bottom: 1px solid var(--line); white-space: nowrap; }
td { padding: 7px 14px 7px 0; border-bottom: 1px solid var(--line); vertical-align: top;
  overflow-wrap: break-word; }
td.good, td.bad, td.caution { font-weight: 600; white-space: nowrap; }
ul.notes { margin: 0; padding-left: 20px; } ul.notes li { margin: 5px 0; }
svg { max-width: 100%; height: auto; }
@media print { main { max-width: none; padding: 0; } h2 { break-after: avoid; }
  tr, svg { break-inside: avoid; } }
"""


@dataclass(frozen=True)
class Cell:
    """A text, and whether it is GOOD, BAD or a CAUTION."""

    text: str
    tone: str = ""


@dataclass(frozen=True)
class Table:
    """Rows below a heading for each column."""

    head: tuple[str, ...]
    rows: Sequence[Sequence[str | Cell]]


@dataclass(frozen=True)
class Notes:
    """Sentences, each a point of a list."""

    lines: Sequence[str | Cell]


@dataclass(frozen=True)
class Paragraph:
    """One sentence or a few."""

    text: str


@dataclass(frozen=True)
class Picture:
    """An SVG of our own; in Markdown it is left out."""

    svg: str


Block = Table | Notes | Paragraph | Picture


@dataclass(frozen=True)
class Section:
    """A heading with what stands below it."""

    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Document:
    """A title, what it is about, the facts in short, and the sections."""

    title: str
    lead: str
    facts: Sequence[Cell]
    sections: Sequence[Section] = field(default_factory=tuple)


def markdown(document: Document) -> str:
    """The document as Markdown; sections that hold nothing but a picture are left out."""
    lines = [f"# {_plain(document.title)}", "", _plain(document.lead), ""]
    lines += [f"- {_plain(fact.text)}" for fact in document.facts]
    for section in document.sections:
        blocks = [block for block in section.blocks if not isinstance(block, Picture)]
        if blocks:
            lines += ["", f"## {_plain(section.title)}"]
        for block in blocks:
            lines += ["", *_markdown_of(block)]
    return "\n".join(lines) + "\n"


def _markdown_of(block: Block) -> Iterator[str]:
    match block:
        case Paragraph(text):
            yield _plain(text)
        case Notes(lines):
            for line in lines:
                yield f"- {_plain(_cell(line).text)}"
        case Table(head, rows):
            cells = [[_plain(_cell(cell).text) for cell in row] for row in rows]
            widths = [max(len(row[n]) for row in [list(head), *cells]) for n in range(len(head))]
            for number, row in enumerate([list(head), *cells]):
                padded = (text.ljust(width) for text, width in zip(row, widths, strict=True))
                yield f"| {' | '.join(padded)} |"
                if number == 0:
                    yield f"|{'|'.join('-' * (width + 2) for width in widths)}|"


_MARKUP = re.compile(r"([\\`*_{}\[\]<>|#])")
_INNER = re.compile(r"(?<=[A-Za-z0-9])_(?=[A-Za-z0-9])")


def _plain(text: str) -> str:
    """A text that Markdown shows as it stands, on one line."""
    one_line = " ".join(text.split())
    return _MARKUP.sub(r"\\\1", _INNER.sub("\0", one_line)).replace("\0", "_")


def html(document: Document) -> str:
    """The document as one page that needs nothing else: no script, no picture, no font."""
    head = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(document.title)}</title>\n<style>{STYLE}</style>\n</head>\n<body><main>"
    )
    lines = [head, f"<h1>{escape(document.title)}</h1>"]
    lines.append(f'<p class="lead">{escape(document.lead)}</p>')
    facts = "".join(f'<li class="{f.tone}">{escape(f.text)}</li>' for f in document.facts)
    lines.append(f'<ul class="facts">{facts}</ul>')
    for section in document.sections:
        lines.append(f"<section><h2>{escape(section.title)}</h2>")
        lines += [_html_of(block) for block in section.blocks]
        lines.append("</section>")
    return "\n".join([*lines, "</main></body>", "</html>", ""])


def _html_of(block: Block) -> str:
    match block:
        case Picture(svg):
            return svg
        case Paragraph(text):
            return f"<p>{escape(text)}</p>"
        case Notes(lines):
            points = (_cell(line) for line in lines)
            inner = "".join(f'<li class="{p.tone}">{escape(p.text)}</li>' for p in points)
            return f'<ul class="notes">{inner}</ul>'
        case Table(head, rows):
            top = "".join(f"<th>{escape(name)}</th>" for name in head)
            body = "".join(f"<tr>{''.join(_td(_cell(cell)) for cell in row)}</tr>" for row in rows)
            return f'<div class="wide"><table><tr>{top}</tr>{body}</table></div>'


def _td(cell: Cell) -> str:
    tone = f' class="{cell.tone}"' if cell.tone else ""
    return f"<td{tone}>{escape(cell.text)}</td>"


def _cell(value: str | Cell) -> Cell:
    return value if isinstance(value, Cell) else Cell(value)
