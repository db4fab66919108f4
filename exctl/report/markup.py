"""A document of headings, paragraphs and tables, written as Markdown or as one page of HTML.

Whatever comes from a service or a stack file is a text here, and escaped as such in both forms.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TextIO

GOOD, BAD, CAUTION = "good", "bad", "caution"


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
class Chapter:
    """A heading with what stands below it."""

    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Document:
    """A title, what it is about, the facts in short, and the sections."""

    title: str
    lead: str
    facts: Sequence[Cell]
    sections: Sequence[Chapter] = field(default_factory=tuple)


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


def show(document: Document, to: TextIO) -> None:
    """As Markdown; on a terminal laid out for its width."""
    if not to.isatty():
        to.write(markdown(document))
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console(file=to).print(Markdown(markdown(document), hyperlinks=False))


def html(document: Document) -> str:
    """The document as one page that needs nothing else: no script, no picture, no font."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    pages = Environment(
        loader=PackageLoader(__package__, "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters["cell"] = _cell
    return pages.get_template("page.html.j2").render(document=document)


def _cell(value: str | Cell) -> Cell:
    return value if isinstance(value, Cell) else Cell(value)
