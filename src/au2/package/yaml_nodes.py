"""Strict YAML 1.2: text → nodes with their positions.

Made for untrusted files: size, nesting and node count are limited, aliases count as the nodes
behind them, tags are refused, keys are plain texts and given once. Every error has its line. One
feature of YAML 1.1 is supported for its wide use: merge keys (yaml.org/type/merge.html).
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from ruamel.yaml.reader import Reader

from au2.domain.wording import format_bytes
from au2.package.text import TEXT_BYTES, refuse

MERGE_KEY = "<<"
DEEPEST = 64
MOST_NODES = 20_000


class Position(NamedTuple):
    """A place in a text, both counted from zero."""

    line: int
    column: int


class Scalar(NamedTuple):
    """A text. ``plain``: written without quotes, so possibly a number, a boolean or null."""

    text: str
    plain: bool
    start: Position
    end: Position


class Sequence(NamedTuple):
    """A list."""

    items: tuple["Node", ...]
    flow: bool
    start: Position
    end: Position


class Mapping(NamedTuple):
    """Key → value, in the order as written."""

    items: tuple[tuple[Scalar, "Node"], ...]
    flow: bool
    start: Position
    end: Position

    def find(self, key: str) -> tuple[Scalar, "Node"] | None:
        """Return the key and the value with this name."""
        return next((item for item in self.items if item[0].text == key), None)


Node = Scalar | Sequence | Mapping


@lru_cache(maxsize=4)
def parse_nodes(text: str, file: str) -> Node | None:
    """Return the root node of ``text``, None where there is nothing but comments.

    The last ones are remembered: an upload reads ``aunsight.yml`` for several purposes.

    Raises:
        InvalidPackage: not strict YAML; one detail with file and line.
    """
    if len(text) > TEXT_BYTES or len(text.encode(errors="replace")) > TEXT_BYTES:
        refuse(f"the file is larger than {format_bytes(TEXT_BYTES)}", file)
    try:
        return _Composer(_parse_events(text), file).compose()
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        refuse(error.problem or "not valid YAML", file, mark.line + 1 if mark else None)
    except YAMLError as error:
        place = getattr(error, "position", None)
        line = text.count("\n", 0, place) + 1 if isinstance(place, int) else None
        refuse(str(error).partition("\n")[0], file, line)
    except (ValueError, OverflowError) as error:
        # The library converts escapes such as "\Uffffffff" without asking whether they exist.
        refuse(f"not valid YAML: {error}", file)


def _parse_events(text: str) -> Iterator[Event]:
    parser = YAML(typ="safe", pure=True)
    parser.Reader = _Reader
    events: Iterator[Event] = parser.parse(text)
    return events


class _Reader(Reader):
    """The library's reader without its regular expression for characters outside ASCII.

    Compiling the expression takes longer than everything else for a small file (20 ms).
    """

    def check_printable(self, data: str) -> None:
        """Check each distinct character once; the library reports a wrong one."""
        if not all(map(_is_printable, set(data))):
            super().check_printable(data)


def _is_printable(character: str) -> bool:
    """Whether a YAML text may hold the character (YAML 1.2, rule [1] c-printable)."""
    return (
        " " <= character <= "~"
        or character in "\t\n\r\x85"
        or "\xa0" <= character <= "\ud7ff"
        or "\ue000" <= character <= "\ufffd"
        or character >= "\U00010000"
    )


class _Composer:
    """Builds nodes from parser events; stops as soon as a limit is passed."""

    def __init__(self, events: Iterator[Event], file: str) -> None:
        self._events = events
        self._file = file
        self._node_count = 0
        self._anchored: dict[str, tuple[Node, int]] = {}

    def compose(self) -> Node | None:
        root: Node | None = None
        documents = 0
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._refuse("only one document is allowed ('---' begins another)", event)
                if event.version not in (None, (1, 2)):
                    self._refuse("files are read as YAML 1.2: remove the %YAML line", event)
            elif isinstance(event, NodeEvent):
                root = self._node(event, 1)
            elif isinstance(event, StreamEndEvent):
                break
        if isinstance(root, Scalar) and root.plain and root.text == "":
            return None
        return root

    def _node(self, event: Event, depth: int) -> Node:
        if depth > DEEPEST:
            self._refuse(f"nested deeper than {DEEPEST} levels", event)
        if isinstance(event, AliasEvent):
            return self._alias(event)
        before = self._node_count
        self._count(1, event)
        tag = getattr(event, "tag", None)
        if tag is not None:
            self._refuse(f"tags are not supported ('{tag}')", event)
        node = self._compose(event, depth)
        anchor = getattr(event, "anchor", None)
        if anchor is not None:
            self._anchored[anchor] = (node, self._node_count - before)
        return node

    def _compose(self, event: Event, depth: int) -> Node:
        start = _start(event)
        if isinstance(event, MappingStartEvent):
            items, end = self._items(depth)
            return Mapping(items, bool(event.flow_style), start, end)
        if isinstance(event, SequenceStartEvent):
            elements, end = self._elements(depth)
            return Sequence(elements, bool(event.flow_style), start, end)
        assert isinstance(event, ScalarEvent)  # noqa: S101 - no other node event exists
        return Scalar(self._joined(event), event.style is None, start, _end(event))

    def _joined(self, event: ScalarEvent) -> str:
        text: str = event.value
        if not any("\ud800" <= character <= "\udfff" for character in text):
            return text
        try:
            return text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            self._refuse("half of a character is escaped here", event)

    def _elements(self, depth: int) -> tuple[tuple[Node, ...], Position]:
        elements: list[Node] = []
        while not isinstance(event := next(self._events), SequenceEndEvent):
            elements.append(self._node(event, depth + 1))
        return tuple(elements), _end(event)

    def _items(self, depth: int) -> tuple[tuple[tuple[Scalar, Node], ...], Position]:
        items: dict[str, tuple[Scalar, Node]] = {}
        merged: dict[str, tuple[Scalar, Node]] = {}
        merge: Scalar | None = None
        while not isinstance(event := next(self._events), MappingEndEvent):
            key = self._node(event, depth + 1)
            if not isinstance(key, Scalar):
                self._refuse("a key must be a text", event)
            is_merge = key.plain and key.text == MERGE_KEY
            first = merge if is_merge else items.get(key.text, (None,))[0]
            if first is not None:
                where = f"first on line {first.start.line + 1}"
                self._refuse(f"the key '{key.text}' is given twice ({where})", event)
            value = self._node(event := next(self._events), depth + 1)
            if is_merge:
                merge, merged = key, self._merged(value, event)
            else:
                items[key.text] = (key, _placed_after(key, value))
        return tuple((merged | items).values()), _end(event)

    def _merged(self, value: Node, event: Event) -> dict[str, tuple[Scalar, Node]]:
        """Return the items of a merge key; those of earlier mappings in a list win."""
        merged: dict[str, tuple[Scalar, Node]] = {}
        for mapping in reversed(value.items if isinstance(value, Sequence) else (value,)):
            if not isinstance(mapping, Mapping):
                self._refuse(f"'{MERGE_KEY}' merges a mapping, or a list of mappings", event)
            merged.update((item[0].text, item) for item in mapping.items)
        return merged

    def _alias(self, event: AliasEvent) -> Node:
        if event.anchor not in self._anchored:
            self._refuse(f"nothing is named '&{event.anchor}' before this", event)
        node, size = self._anchored[event.anchor]
        self._count(size, event)
        return node

    def _count(self, nodes: int, event: Event) -> None:
        self._node_count += nodes
        if self._node_count > MOST_NODES:
            self._refuse(f"more than {MOST_NODES} values", event)

    def _refuse(self, message: str, event: Event) -> NoReturn:
        refuse(message, self._file, event.start_mark.line + 1)


def _placed_after(key: Scalar, value: Node) -> Node:
    """Place a value written below its key's line; the parser places one at the next token."""
    if not isinstance(value, Scalar) or value.text or value.start != value.end:
        return value
    place = Position(key.end.line, key.end.column + 1)
    return Scalar("", value.plain, place, place)


def _start(event: Any) -> Position:
    return Position(event.start_mark.line, event.start_mark.column)


def _end(event: Any) -> Position:
    return Position(event.end_mark.line, event.end_mark.column)
