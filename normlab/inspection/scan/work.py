"""A scan through an executor: the folders that are left, each written down as it ends."""

from collections.abc import Collection, Generator, Sequence
from concurrent.futures import Executor, as_completed
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import Any

from normlab.inspection.scan.own_layers import own_layers
from normlab.inspection.scan.reading import SECONDS, read_norms_alone, read_unit, telling
from normlab.inspection.scan.releases import releases
from normlab.inspection.scan.rows import COLUMNS, ScanFile, ScanRow
from normlab.inspection.scan.units import Unit, folders, models_path, units_of
from normlab.tools.apart import Limits, OutOfTime, ProcessEnded, WorkFailed, apart
from normlab.tools.progress_bar import progress_bar
from normlab.tools.stored_rows import made_by
from normlab.tools.whole_files import held

LIMITS = Limits(seconds=90, memory_mb=6000)
"""Of one model: by the clock, for a machine that is busy; `reading.SECONDS` counts its own time."""
TOO_LONG = "took more than"
NO_UNIT = "it defines no configuration of its own"
LAYER = ("Layer", "Block")
PARTS = "its layers are those of its parts, or of other folders"
LOADED = (
    "normlab.inspection.scan.reading",
    "transformers.models.auto.modeling_auto",
    "transformers.models.llama.modeling_llama",
    "transformers.models.clip.modeling_clip",
)
"""What every process of a model needs, imported once."""


def scan(
    out: Path,
    executor: Executor,
    only: Collection[str] = (),
    command: str = "normlab scan",
) -> list[ScanRow]:
    """Read the folders of the installed transformers that a file does not hold yet.

    Each model is built small with random weights, in a process of its own with limits of time and
    memory. A folder is on the disk before the next one counts, so a scan that is killed goes on.

    Args:
        out: a .csv file, new or of an earlier scan.
        executor: where to read: `Processes`, or a Dask client's.
        only: folders; all if none is named.
        command: what the rows say made them.

    Raises:
        ValueError: if there is no such folder, or the file is no scan's.
        BlockingIOError: if another scan is writing to it.
    """
    wanted = _known(only) if only else folders()
    with held(out.with_name(f".{out.name}.lock"), f"another scan is writing to {out}."):
        return _go_on(ScanFile(out), executor, wanted, command)


def _go_on(
    file: ScanFile, executor: Executor, wanted: Sequence[str], command: str
) -> list[ScanRow]:
    there = {row["folder"] for row in file.rows}
    futures = [executor.submit(read_folder, name, command) for name in wanted if name not in there]
    try:
        for future in progress_bar(as_completed(futures), "folders", total=len(futures)):
            file.append(future.result())
    except BaseException:
        executor.shutdown(wait=False, cancel_futures=True)
        raise
    file.sort()
    return file.rows


def _known(only: Collection[str]) -> list[str]:
    strange = sorted(set(only) - set(folders()))
    if strange:
        raise ValueError(f"transformers has no folder {', '.join(strange)} of a model.")
    return sorted(set(only))


def read_folder(folder: str, command: str = "normlab scan") -> list[ScanRow]:
    """In a worker: the rows of a folder, one for each class of layers, or for what was not read."""
    layers = own_layers(models_path() / folder)
    try:
        found = _cells(units_of(folder), layers) or [{"outcome": "nothing", "reason": NO_UNIT}]
    except ImportError as error:
        found = [{"outcome": "failed", "reason": telling(error)}]
    shared = {"folder": folder, "own_layers": str(len(layers))} | _made(command)
    rows = [dict.fromkeys(COLUMNS, "") | shared | releases().get(folder, {}) | c for c in found]
    return [row | {"part": f"{n}/{len(rows)}"} for n, row in enumerate(rows, 1)]


def _cells(units: Sequence[Unit], layers: Sequence[str]) -> list[dict[str, str]]:
    """Each class of layers once; a whole is read if its parts were, and left some layers out."""
    found: list[dict[str, str]] = []
    for unit in units:
        seen = {cells.get("layer") for cells in found} - {"", None}
        left = [name for name in layers if name.endswith(LAYER) and name not in seen]
        slow = any(TOO_LONG in cells.get("reason", "") for cells in found)
        if unit.whole and (slow or not left):
            late = {"outcome": "failed", "reason": f"a part of it {TOO_LONG} its time"}
            read = [late if slow else {"outcome": "parts", "reason": PARTS}]
        else:
            read = _read(unit)
        for cells in read:
            if cells.get("layer") not in seen:
                found.append({"config": unit.config, "role": unit.role} | cells)
    return found


def _read(unit: Unit) -> list[dict[str, str]]:
    """The cells of a unit; of one that does not run, its norms."""
    cells: list[dict[str, str]] = _first(read_unit, unit)
    if cells[0]["outcome"] != "failed":
        return cells
    norms = _first(read_norms_alone, unit)
    if isinstance(norms, dict) and norms["norm"]:
        return [cells[0] | norms | {"outcome": "norms"}]
    return cells


def _first(read: Any, unit: Unit) -> Any:
    """What a process sends first, or why it sends nothing."""
    reason = "it sent nothing"
    try:
        with closing(_sent(read, unit)) as sent:
            return next(sent)
    except OutOfTime:
        reason = f"it {TOO_LONG} {LIMITS.seconds:g} s"
    except ProcessEnded as error:
        reason = f"its process ended: {error}"
        if "SIGXCPU" in reason:
            reason = f"it {TOO_LONG} {SECONDS} s of processor time"
    except WorkFailed as error:
        reason = str(error).strip().splitlines()[-1]
    except StopIteration:
        pass
    return [{"outcome": "failed", "reason": reason}]


def _sent(read: Any, unit: Unit) -> Generator[Any, None, None]:
    yield from apart(read, unit, limits=LIMITS, loaded=LOADED)


def _made(command: str) -> dict[str, str]:
    return {"seed": "0", "transformers": version("transformers")} | made_by(command)
