"""The stored results of the course, and the one command that makes any of them again."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from normlab.chapters.beyond_transformers import digit_runs, graph_runs, recurrent_runs
from normlab.chapters.debate import contest
from normlab.chapters.deepnorm import followed_runs, one_step_runs, thousand_layers
from normlab.chapters.frameworks import compare
from normlab.chapters.frameworks import stored as frameworks
from normlab.chapters.frameworks.audits import stored as audits
from normlab.chapters.frameworks.process import CannotRun
from normlab.chapters.gradient_flow import gradient_sweeps
from normlab.chapters.norms_in_the_wild import library_scan, placement_training, trained_placements
from normlab.chapters.one_kernel import compiled, counted
from normlab.chapters.rms_norm import stored_races, stream_means
from normlab.chapters.start_here import deep_runs
from normlab.chapters.warmup import collapse_parts, deep_rates, rate_map, training_steps
from normlab.claims import stored as claims
from normlab.exercises.challenges import baselines, recipes
from normlab.inspection.scan.command import write_scan
from normlab.tools.table import Table
from normlab.tools.toml_settings import refuse_unknown
from normlab.training.sweep.plan import read_plan
from normlab.training.sweep.run import remake_results

Make = Callable[..., object]


@dataclass(frozen=True)
class Stored:
    """A stored file of the course.

    Attributes:
        path: where it stands, beside its reader.
        make: writes it anew to a path.
        smallest: writes the smallest case of the same there, in seconds.
        takes: how long `make` takes on one core.
        devices: where it can be measured, the usual one first; none if that does not matter.
    """

    path: Path
    make: Make
    smallest: Make
    takes: str
    devices: tuple[str, ...] = ()


def stored_results() -> Mapping[str, Stored]:
    """Every stored result by the name of its file.

    >>> sorted(stored_results())[:2]
    ['audit', 'briefs']
    """
    one = {"rates": [1e-3], "seeds": [0]}
    tiny = {"shapes": [(4, 8)], "rounds": 1, "tries": 1}
    race = _stored(stored_races.STORED, stored_races.write_norm_races, "3 min", **tiny)
    found = (
        _stored(claims.STORED, claims.write_ledger, "1 min", numbers=[1]),
        _stored(audits.STORED, audits.write_audits, "4 min", libraries=["normlab"]),
        _stored(baselines.STORED, recipes.write_baselines, "10 min", layers=1, steps=2, seeds=(0,)),
        _stored(collapse_parts.STORED, collapse_parts.write_parts, "1 min", seeds=[0], looks=[0]),
        _stored(compare.STORED, frameworks.write_reports, "30 s", names=["NumPy"]),
        _stored(deep_runs.STORED, deep_runs.write_runs, "5 min", layers=1, steps=2),
        _stored(one_step_runs.STORED, one_step_runs.write_updates, "20 min", depths=[1], seeds=[0]),
        _stored(followed_runs.STORED, followed_runs.write_followed, "2 min", layers=2, seeds=[0]),
        _stored(compiled.STORED, compiled.write_compiled, "2 min", features=[1024]),
        _stored(counted.STORED, counted.write_counted, "3 min", rows=2, features=[64]),
        _stored(
            gradient_sweeps.STORED,
            gradient_sweeps.write_sweeps,
            "2 min",
            most_seeds=1,
            deepest=1,
        ),
        _stored(graph_runs.STORED, graph_runs.write_runs, "8 min", depths=[1], **one),
        _stored(digit_runs.STORED, digit_runs.write_runs, "12 min", layers=[1], reported=[], **one),
        _stored(
            recurrent_runs.STORED,
            recurrent_runs.write_runs,
            "15 min",
            tasks=["adding"],
            reported=[],
            **one,
        ),
        replace(race, devices=tuple(stored_races.SHAPES)),
        _stored(stream_means.STORED, stream_means.write_stream_means, "10 min", seeds=[0], steps=1),
        _stored(library_scan.STORED, write_scan, "20 min", only=["llama"]),
        _swept(rate_map.STORED, "30 min"),
        _swept(contest.STORED, "15 min"),
        _stored(
            deep_rates.STORED, deep_rates.write_deep_rates, "90 min", depths=[1], steps=2, **one
        ),
        _stored(
            training_steps.STORED,
            training_steps.write_training_steps,
            "10 min",
            layers=1,
            seeds=[0],
            stops=[0],
        ),
        _stored(
            trained_placements.STORED,
            placement_training.write_trained_placements,
            "70 min on two cores",
            tasks=["verse"],
            depths=[1],
            rates=[1e-3],
            reported=[2],
            steps=2,
        ),
        _swept(thousand_layers.STORED, "30 min, 1.2 GB each of 4 runs"),
    )
    return {stored.path.stem: stored for stored in found}


def _stored(path: Path, make: Callable[..., object], takes: str, **smallest: object) -> Stored:
    return Stored(path, make, partial(make, **smallest), takes)


def _swept(path: Path, takes: str) -> Stored:
    """A sweep of the TOML file beside the results; its smallest case is one run of two steps."""
    plan = replace(read_plan(path.with_suffix(".toml")), command=f"normlab remake {path.stem}")
    one = replace(plan, runs=(replace(plan.runs[0], decoder_layers=1, steps=2),), varied=())
    return Stored(path, partial(remake_results, plan), partial(remake_results, one), takes)


def remake_command(
    name: str | None, out: Path | None, smallest: bool, device: str | None = None
) -> int:
    """Make a stored result again, or list them if none is named; times, on a device.

    Returns:
        0 if the file was written, 1 if it could not be made, 2 if the command was wrong.
    """
    known = stored_results()
    try:
        if name is None:
            if device:
                raise ValueError("--device is for one stored result; add its name.")
            print(list_stored(known))
            return 0
        refuse_unknown("the command", [name], known)
        if smallest and out is None:
            raise ValueError("--smallest would replace the stored result; add --out FILE.")
        if device and device not in known[name].devices:
            raise ValueError(f"{name} is not made on a device that can be chosen: drop --device.")
    except ValueError as error:
        print(f"normlab remake: {error}", file=sys.stderr)
        return 2
    stored = known[name]
    target = out or stored.path
    try:
        if target.is_dir() or not target.parent.is_dir():  # before hours of work, and not after
            raise OSError(f"--out is {target}; expected a file in a folder that is there.")
        make = stored.smallest if smallest else stored.make
        make(target, **({"device": device or stored.devices[0]} if stored.devices else {}))
    except (ValueError, OSError, CannotRun) as error:
        print(f"normlab remake: {name} could not be made. {error}", file=sys.stderr)
        return 1
    print(f"{name} is in {target}")
    return 0


def list_stored(known: Mapping[str, Stored]) -> Table:
    """One row per stored result: its name, where it stands, and how long it takes."""
    package = Path(__file__).parents[1]
    rows = [[n, str(s.path.relative_to(package.parent)), s.takes] for n, s in known.items()]
    return Table(("name", "file", "one core"), rows)
