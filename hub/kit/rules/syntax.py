"""A compiled clause as a tree, read from the engine's serialized `cel.expr.CheckedExpr` (see `checked`)."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from hub.kit.rules.checked import fields_of, submessages

_ANY_VALUE = 2
_REFERENCE_MAP, _EXPR, _SOURCE_INFO = 2, 4, 5
_KEY, _VALUE = 1, 2
_POSITIONS = 4
_ID, _CONST, _IDENT, _SELECT, _CALL, _LIST, _LOOP = 2, 3, 4, 5, 6, 7, 9
_BOOL, _INT, _UINT, _DOUBLE, _STRING = 2, 3, 4, 5, 6
_TARGET, _FUNCTION, _ARGUMENTS = 1, 2, 3
_LOOP_VARIABLE = 1
_LOOP_PARTS = (2, 4, 5, 6, 7)
_INT64, _SIGN = 1 << 64, 1 << 63

NodeKind = Literal["constant", "name", "call", "list", "loop", "other"]
Constant = bool | int | float | str | None


@dataclass(frozen=True, slots=True)
class Node:
    """One part of a clause. `value` is a constant, a fact's or variable's name, or a function.

    `parts` are arguments (the target first), elements, or of a loop its range, start, condition, step and result.
    `offset` is where it is in the text, in code points from 0.
    """

    kind: NodeKind
    value: Constant
    parts: tuple["Node", ...] = ()
    offset: int = 0

    def key(self) -> str:
        """A text that is equal for equal parts of clauses."""
        return f"{self.kind}:{self.value!r}({','.join(part.key() for part in self.parts)})"

    def walk(self) -> Iterator["Node"]:
        """It and all below it."""
        yield self
        for part in self.parts:
            yield from part.walk()


def tree_of(serialized: bytes) -> Node:
    """The tree of a compiled expression; raises ValueError where the bytes are no checked expression."""
    for message in submessages(serialized, _ANY_VALUE):
        names = dict(_names(message))
        offsets = {
            _number(entry, _KEY): _number(entry, _VALUE)
            for info in submessages(message, _SOURCE_INFO)
            for entry in submessages(info, _POSITIONS)
        }
        for root in submessages(message, _EXPR):
            return _node(root, names, offsets)
    raise ValueError("the bytes hold no checked expression")


def _names(message: bytes) -> Iterator[tuple[int, str]]:
    for entry in submessages(message, _REFERENCE_MAP):
        for reference in submessages(entry, _VALUE):
            for name in submessages(reference, 1):
                yield _number(entry, _KEY), name.decode()


def _node(body: bytes, names: dict[int, str], offsets: dict[int, int]) -> Node:
    identity = _number(body, _ID)
    offset = offsets.get(identity, 0)
    for kind, value in fields_of(body):
        if kind == _ID or not isinstance(value, bytes):
            continue
        if kind == _CONST:
            return Node("constant", _constant(value), (), offset)
        if kind in (_IDENT, _SELECT) and identity in names:
            return Node("name", names[identity], (), offset)
        if kind == _CALL:
            wanted, found = (_TARGET, _ARGUMENTS), next(submessages(value, _FUNCTION), b"").decode()
            return Node("call", found, _parts(value, wanted, names, offsets), offset)
        if kind == _LIST:
            return Node("list", None, _parts(value, (1,), names, offsets), offset)
        if kind == _LOOP:
            variable = next(submessages(value, _LOOP_VARIABLE), b"").decode()
            return Node("loop", variable, _parts(value, _LOOP_PARTS, names, offsets), offset)
        return Node("other", body.hex(), (), offset)
    return Node("other", body.hex(), (), offset)


def _parts(
    body: bytes, wanted: tuple[int, ...], names: dict[int, str], offsets: dict[int, int]
) -> tuple[Node, ...]:  # fmt: skip
    return tuple(_node(part, names, offsets) for field in wanted for part in submessages(body, field))


def _number(body: bytes, wanted: int) -> int:
    return next((value for field, value in fields_of(body) if field == wanted and isinstance(value, int)), 0)


def _constant(body: bytes) -> Constant:
    for kind, value in fields_of(body):
        if kind == _BOOL:
            return bool(value)
        if kind in (_INT, _UINT) and isinstance(value, int):
            return value - _INT64 if kind == _INT and value >= _SIGN else value
        if kind == _STRING and isinstance(value, bytes):
            return value.decode()
        if kind == _DOUBLE and isinstance(value, bytes):
            return float(struct.unpack("<d", value)[0])
    return None
