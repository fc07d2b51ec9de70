"""What a notebook shows may be of any size: it is passed over while the file is read."""

import io
import json
import random
import time
import tracemalloc

import pytest
from submissions import RIGHT

from normlab.checks import bulk
from normlab.checks.bulk import without_outputs
from normlab.checks.cells import notebook_cells
from normlab.study.files import check_file

BULKY = ("outputs", "attachments", "widgets")
TEXTS = (*BULKY, '"outputs"', '"outputs": [', "\\", '\\"', "[{", "}]", "ä🦊", "", "\\\\", "\n")


def value(draw, depth=0):
    """Something that JSON can hold, with texts that look like its syntax."""
    kinds = (
        ("text", "number", "none") if depth > 4 else ("text", "number", "none", "list", "object")
    )
    match draw.choice(kinds):
        case "text":
            return "".join(draw.choices(TEXTS, k=draw.randrange(4)))
        case "number":
            return draw.choice([0, -1.5, 1e30, True])
        case "none":
            return None
        case "list":
            return [value(draw, depth + 1) for _ in range(draw.randrange(4))]
    return {draw.choice(TEXTS): value(draw, depth + 1) for _ in range(draw.randrange(5))}


def without(data):
    match data:
        case dict():
            return {k: None if k in BULKY else without(v) for k, v in data.items()}
        case list():
            return [without(each) for each in data]
    return data


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 50, 2**20])
def test_what_is_shown_is_left_out_and_the_rest_is_as_it_was(chunk, monkeypatch):
    monkeypatch.setattr(bulk, "CHUNK", chunk)
    draw = random.Random(chunk)
    for _ in range(200):
        data = {"cells": [value(draw) for _ in range(3)], "outputs": value(draw)}
        for text in (
            json.dumps(data),
            json.dumps(data, indent=draw.randrange(3)),
            json.dumps(data, ensure_ascii=False, separators=(" , ", " :\t")),
        ):
            kept = without_outputs(io.BytesIO(text.encode()), 10**6)
            assert json.loads(kept) == without(data)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_its_encoding_may_be_any_of_json(encoding):
    text = json.dumps({"cells": [{"source": "ä", "outputs": [1]}]}, ensure_ascii=False)
    kept = without_outputs(io.BytesIO(text.encode(encoding)), 10**6)
    assert json.loads(kept) == {"cells": [{"source": "ä", "outputs": None}]}


class Stream(io.RawIOBase):
    """A file that is made while it is read."""

    def __init__(self, before, repeated, times, after):
        self.parts = [before, *[repeated] * times, after]

    def read(self, size=-1):
        return self.parts.pop(0) if self.parts else b""


CELL = json.dumps({"cell_type": "code", "source": RIGHT}).encode()[:-1]
SHOWN = {
    "a picture": (b'[{"data": {"image/png": "', b"iVBORw0K" * 2**17, b'"}}]'),
    "lines": (b'[{"text": [', b'"epoch 1, loss 0.5\\n", ' * 40_000, b'""]}]'),
    "a page": (b'[{"data": {"text/html": "', b'<td class=\\"a\\">\\n' * 60_000, b'"}}]'),
    "points": (b'[{"data": [', b'{"x": 1, "y": [2, 3]}, ' * 40_000, b"0]}]"),
}


@pytest.mark.parametrize("shown", SHOWN.values(), ids=SHOWN)
def test_hundred_megabytes_cost_little_memory_and_time(shown):
    before, repeated, after = shown
    times = 100 * 2**20 // len(repeated)
    before = b'{"cells": [' + CELL + b', "outputs": ' + before
    stream = Stream(before, repeated, times, after + b"}]}")
    tracemalloc.start()
    begun = time.process_time()
    data = without_outputs(stream, bulk.MOST_KEPT)
    seconds = time.process_time() - begun
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert notebook_cells("a.ipynb", data)[0].source == RIGHT
    assert most < 20 * 2**20
    assert seconds < 10


@pytest.mark.parametrize(
    "data",
    [
        b'{"outputs":' + b"[" * 10**6,
        b'{"outputs":[' + b"[[[[[]]]]]," * 10**6,
        b'{"a":' * 10**6,
        b'"' * 10**6 + b"\\",
        b'"' + b"\\" * 10**6,
        b'{"outputs" ' + b" " * 10**6,
        b'"outputs":' * 10**5,
        b"\x00" * 10**6,
        b"",
        b"\xff\xfe\x00",
    ],
)
def test_what_is_no_notebook_comes_to_an_end(data):
    begun = time.process_time()
    without_outputs(io.BytesIO(data), bulk.MOST_KEPT)
    assert time.process_time() - begun < 10


def test_no_more_is_kept_than_was_said_and_one_too_many_tells_that_there_is_more():
    data = b'{"cells": [' + b'"some text", ' * 10**6 + b"0]}"
    assert 1000 < len(without_outputs(io.BytesIO(data), 1000)) < 3 * bulk.CHUNK
    assert without_outputs(io.BytesIO(data), len(data)) == data


def test_of_a_text_that_nobody_has_written_nothing_is_kept():
    data = b'{"a": "' + b"x" * 5 * 2**20 + b'", "b": "y"}'
    assert json.loads(without_outputs(io.BytesIO(data), 10**6)) == {"a": "", "b": "y"}


def test_a_notebook_of_thirty_megabytes_is_checked(tmp_path):
    path = tmp_path / "a.ipynb"
    outputs = b', "outputs": [{"data": {"image/png": "' + b"x" * 30 * 2**20 + b'"}}]}]}'
    path.write_bytes(b'{"cells": [' + CELL + outputs)
    (diagnosis,) = check_file(path)
    assert diagnosis.passed
