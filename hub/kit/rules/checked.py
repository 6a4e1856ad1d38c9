"""Read what a compiled clause consists of: the facts and functions it names, its size and depth.

The engine gives a compiled expression as a serialized `cel.expr.CheckedExpr`, a protobuf message
(https://github.com/google/cel-spec/blob/master/proto/cel/expr/checked.proto and syntax.proto). Only its wire format is
read here, so that no protobuf runtime is needed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

_ANY_VALUE = 2
_REFERENCE_MAP, _EXPR = 2, 4
_MAP_VALUE = 2
_REFERENCE_NAME, _REFERENCE_OVERLOAD = 1, 3
_SELECT, _CALL, _LIST, _STRUCT, _COMPREHENSION = 5, 6, 7, 8, 9
_CALL_FUNCTION = 2
_CHILDREN: dict[int, frozenset[int]] = {
    _SELECT: frozenset({1}),
    _CALL: frozenset({1, 3}),
    _LIST: frozenset({1}),
    _COMPREHENSION: frozenset({2, 4, 5, 6, 7}),
}
"""Which fields of each kind of node are expressions themselves."""
_ENTRIES = frozenset({3, 4})
"""Key and value of an entry of a map literal."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a clause is made of. `loops` is how deep its comprehensions (`exists`, `all`, `map`) are nested."""

    names: frozenset[str]
    functions: frozenset[str]
    nodes: int
    depth: int
    loops: int


def shape_of(serialized: bytes) -> Shape:
    """The shape of a compiled expression; raises ValueError where the bytes are no checked expression."""
    names: set[str] = set()
    functions: set[str] = set()
    nodes = depth = loops = 0
    for message in submessages(serialized, _ANY_VALUE):
        for entry in submessages(message, _REFERENCE_MAP):
            for reference in submessages(entry, _MAP_VALUE):
                _note_reference(reference, names, functions)
        for root in submessages(message, _EXPR):
            nodes, depth, loops = _measure(root)
    return Shape(frozenset(names), frozenset(functions), nodes, depth, loops)


def _note_reference(reference: bytes, names: set[str], functions: set[str]) -> None:
    name, overloaded = "", False
    for field, value in fields_of(reference):
        if field == _REFERENCE_NAME and isinstance(value, bytes):
            name = value.decode()
        elif field == _REFERENCE_OVERLOAD:
            overloaded = True
    (functions if overloaded else names).add(name)


def _measure(root: bytes) -> tuple[int, int, int]:
    nodes = depth = loops = 0
    stack: list[tuple[bytes, int, int]] = [(root, 1, 0)]
    while stack:
        node, level, looped = stack.pop()
        nodes, depth = nodes + 1, max(depth, level)
        for kind, value in fields_of(node):
            if not isinstance(value, bytes):
                continue
            inside = looped + 1 if kind == _COMPREHENSION else looped
            loops = max(loops, inside)
            stack.extend((child, level + 1, inside) for child in _children(kind, value))
    return nodes, depth, loops


def _children(kind: int, body: bytes) -> Iterator[bytes]:
    if kind == _STRUCT:
        for entry in submessages(body, 2):
            for field, value in fields_of(entry):
                if field in _ENTRIES and isinstance(value, bytes):
                    yield value
        return
    wanted = _CHILDREN.get(kind, frozenset())
    for field, value in fields_of(body):
        if field in wanted and isinstance(value, bytes):
            yield value


def submessages(body: bytes, wanted: int) -> Iterator[bytes]:
    """What one field of a message holds, each time that it occurs."""
    for field, value in fields_of(body):
        if field == wanted and isinstance(value, bytes):
            yield value


def fields_of(body: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Fields of one message: varints as int, length-delimited and fixed ones as bytes."""
    at, end = 0, len(body)
    while at < end:
        tag, at = _varint(body, at)
        wire = tag & 7
        if wire == 0:
            number, at = _varint(body, at)
            yield tag >> 3, number
            continue
        if wire == 2:
            length, at = _varint(body, at)
        elif wire in (1, 5):
            length = 8 if wire == 1 else 4
        else:
            raise ValueError(f"wire type {wire} is not part of a checked expression")
        yield tag >> 3, body[at : at + length]
        at += length


def _varint(body: bytes, at: int) -> tuple[int, int]:
    result = shift = 0
    while True:
        if at >= len(body):
            raise ValueError("the checked expression ends in the middle of a number")
        byte = body[at]
        result |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return result, at
        shift += 7
