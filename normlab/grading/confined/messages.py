"""Messages between the grader and a student's process: one line of JSON, then raw numbers.

What comes from a student's process may be anything. So nothing in it is executed (there is no
pickle), and reading it ends in data of the expected kinds or in `Malformed`.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from normlab.checks.exercise import Arguments
from normlab.checks.observe import Observation, Raised

MOST_BYTES = 64 * 2**20
"""Of one message."""
MOST_NUMBERS = 1_000_000
"""Of one array that an answer returns."""
MOST_NUMBERS_OF_ALL = 4 * MOST_NUMBERS
"""Of all that it returns to the calls of one message."""
LONGEST_TEXT = 2000
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
DTYPES = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64"),
)
EXTENDED = np.dtype(np.longdouble).name
NAMES = {np.dtype(name): name for name in (*DTYPES, EXTENDED)}
STORED = {name: np.dtype(name).newbyteorder("<") for name in DTYPES}
STORED |= {"bool": np.dtype(np.uint8), EXTENDED: np.dtype("<f8")}
"""How numbers travel. Of the extended ones the digits are of no use, that they were used is."""
MOST_AXES = 64
REFUSED = "refused"
"""A part of a result that most do not have."""


class Malformed(ValueError):
    """A message that no answer of ours has sent."""


def clean(text: str) -> str:
    """The first characters of a text, without what a terminal or a file could stumble over.

    >>> clean("a\\x1b[2Jb\\ud800")
    'a�[2Jb�'
    """
    return UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text[:LONGEST_TEXT])


def pack(body: Mapping[str, Any], arrays: Sequence[np.ndarray] = ()) -> bytes:
    """A message: `body` as JSON, and the numbers of the arrays that it refers to."""
    head = json.dumps(body).encode()
    return b"".join([head, b"\n", *(array.tobytes() for array in arrays)])


def unpack(data: bytes) -> tuple[dict[str, Any], memoryview]:
    """The body of a message, and the bytes of its arrays.

    Raises:
        Malformed: if there is no JSON object at its start.
    """
    end = data.find(b"\n")
    if end < 0:
        raise Malformed("no line of JSON")
    try:
        body = json.loads(data[:end])
    except (ValueError, RecursionError) as error:
        raise Malformed(f"no JSON: {error}") from None
    if not isinstance(body, dict):
        raise Malformed("no JSON object")
    return body, memoryview(data)[end + 1 :]


def code(value: Any, arrays: list[np.ndarray]) -> Any:
    """`value` as JSON; an array is added to `arrays`, and its kind and shape stand for it.

    Raises:
        TypeError: if it cannot be sent.
    """
    if isinstance(value, np.generic):
        value = np.asarray(value)
    if isinstance(value, np.ndarray):
        name = NAMES.get(value.dtype.newbyteorder("="))
        if name is None:
            raise TypeError(f"an array of {value.dtype} cannot be sent.")
        arrays.append(value.astype(STORED[name], copy=False))
        return {"dtype": name, "shape": value.shape}
    if isinstance(value, str):
        return {"value": clean(value)}
    if value is None or isinstance(value, bool | int | float):
        return {"value": value}
    if isinstance(value, tuple):
        return {"items": [code(item, arrays) for item in value]}
    raise TypeError(f"a {type(value).__name__} cannot be sent.")


class Reader:
    """Decodes values in the order in which `code` coded them.

    Args:
        raw: the bytes of the arrays.
    """

    def __init__(self, raw: memoryview) -> None:
        self.raw, self.place = raw, 0

    def value(self, coded: Any) -> Any:
        """An array, a number, a text or None.

        Raises:
            Malformed: if nothing could have been coded so.
        """
        match coded:
            case {"value": str(text), **rest} if not rest:
                return clean(text)
            case {"value": None | bool() | int() | float() as value, **rest} if not rest:
                return value
            case {"dtype": str(name), "shape": list(shape), **rest} if not rest:
                return self._array(name, shape)
        raise Malformed("a value of an unknown kind")

    def argument(self, coded: Any) -> Any:
        """A value, or a tuple of arguments."""
        if isinstance(coded, dict) and coded.keys() == {"items"}:
            return tuple(self.argument(item) for item in coded["items"])
        return self.value(coded)

    def _array(self, name: str, shape: list[Any]) -> np.ndarray:
        stored = STORED.get(name)
        if stored is None or not _is_shape(shape):
            raise Malformed("an array of another dtype, or another shape, than there is")
        end = self.place + math.prod(shape) * stored.itemsize
        if end > len(self.raw):
            raise Malformed("an array that is longer than its message")
        flat = np.frombuffer(self.raw[self.place : end], stored)
        self.place = end
        with np.errstate(invalid="ignore"):  # a NaN that signals
            return flat.reshape(shape).astype(name)  # (numbers,) -> shape

    def end(self) -> None:
        """Raises `Malformed` if bytes are left over."""
        if self.place != len(self.raw):
            raise Malformed("more bytes than its arrays have")


def _is_shape(shape: list[Any]) -> bool:
    """Whether an array can have this shape; NumPy multiplies its sizes also where one is 0."""
    if len(shape) > MOST_AXES or not all(type(size) is int and size >= 0 for size in shape):
        return False
    return math.prod(size for size in shape if size) <= MOST_BYTES


def code_arguments(arguments: Arguments, arrays: list[np.ndarray]) -> dict[str, Any]:
    return {name: code(value, arrays) for name, value in arguments.items()}


def pack_observations(seen: Iterable[Observation], target: int) -> bytes:
    """What an answer did on the calls of one request."""
    arrays: list[np.ndarray] = []
    coded, left = [], MOST_NUMBERS_OF_ALL
    for observation in seen:
        sizes = {name: np.size(value) for name, value in (observation.outputs or {}).items()}
        left -= sum(sizes.values())
        if left < 0 or max(sizes.values(), default=0) > MOST_NUMBERS:
            left += sum(sizes.values())
            observation = _too_large(max(sizes, key=lambda name: sizes[name]), observation)
        coded.append(_code_observation(observation, arrays))
    return pack({"target": target, "seen": coded}, arrays)


def _too_large(name: str, observation: Observation) -> Observation:
    assert observation.outputs is not None
    shape = observation.outputs[name].shape
    text = f"{name} has the shape {shape}; expected fewer numbers, {MOST_NUMBERS:,} at most."
    return Observation(raised=Raised("WrongReturn", text, None, False))


def _code_observation(seen: Observation, arrays: list[np.ndarray]) -> dict[str, Any]:
    """Texts are cut here as they are where they are read, so that no line of JSON is long."""
    outputs = seen.outputs and {clean(str(n)): code(v, arrays) for n, v in seen.outputs.items()}
    raised = seen.raised and {
        key: clean(value) if isinstance(value, str) else value
        for key, value in asdict(seen.raised).items()
    }
    changed = {str(name): code(value, arrays) for name, value in seen.changed.items()}
    refused = {REFUSED: seen.refused} if seen.refused else {}
    return {"outputs": outputs, "raised": raised, "changed": changed, **refused}


def unpack_observations(data: bytes, target: int, calls: int) -> list[Observation]:
    """What an answer did on the calls that it was asked for now.

    Raises:
        Malformed: if the message is of another answer, or of none.
    """
    body, raw = unpack(data)
    if body.keys() != {"target", "seen"} or not _same_number(body["target"], target):
        raise Malformed("the results of another answer than the one expected now")
    coded = body["seen"]
    if not isinstance(coded, list) or len(coded) != calls:
        raise Malformed("another number of results than there were calls")
    reader = Reader(raw)
    seen = [_observation(each, reader) for each in coded]
    reader.end()
    return seen


def _observation(coded: Any, reader: Reader) -> Observation:
    if not isinstance(coded, dict) or coded.keys() - {REFUSED} != {"outputs", "raised", "changed"}:
        raise Malformed("a result without its three parts")
    outputs, raised, changed = coded["outputs"], coded["raised"], coded["changed"]
    if (outputs is None) == (raised is None):
        raise Malformed("neither outputs nor an error, or both")
    if not isinstance(coded.get(REFUSED, ""), str):
        raise Malformed("a refusal without a name")
    return Observation(
        None if outputs is None else _outputs(outputs, reader),
        None if raised is None else _raised(raised),
        _outputs(changed, reader),
        clean(coded.get(REFUSED, "")),
    )


def _same_number(got: Any, expected: int) -> bool:
    return type(got) is int and got == expected


def _outputs(coded: Any, reader: Reader) -> dict[str, Any]:
    if not isinstance(coded, dict) or len(coded) > 100:
        raise Malformed("outputs without names, or very many")
    outputs = {clean(name): reader.value(value) for name, value in coded.items()}
    if not all(v is None or isinstance(v, str | np.ndarray) for v in outputs.values()):
        raise Malformed("an output that is no array and no text")
    return outputs


def _raised(coded: Any) -> Raised:
    match coded:
        case {"kind": str(kind), "message": str(text), "line": str() | None as line, **rest}:
            by_learner = rest.pop("by_learner", None)
            if isinstance(by_learner, bool) and not rest:
                return Raised(clean(kind), clean(text), line and clean(line), by_learner)
    raise Malformed("an error without a kind, a message and a line")
