"""A report about a stranger's model, compared with the truth.

python -m tests.strangers.judge                      all, one line each, and totals
python -m tests.strangers.judge BERT row:            those whose names contain one of these
python -m tests.strangers.judge --also FILE.py       those of a file's STRANGERS as well
python -m tests.strangers.judge --only FILE.py       those alone
"""

import argparse
import importlib
import importlib.util
import json
import pkgutil
import re
import time
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass, field

import torch

import tests.strangers
from tests.strangers.stranger import DYT

LOUD = ("error", "warning")
REFUSALS = (ValueError, NotImplementedError)
"""What the reader raises when it says what it did not understand; anything else is a crash."""


@dataclass
class Differences:
    """In words, by what they are about; a list of all is `list(differences)`."""

    placements: list[str] = field(default_factory=list)
    equations: list[str] = field(default_factory=list)
    norms: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    false_alarms: list[str] = field(default_factory=list)

    def __iter__(self):
        for words in (
            self.placements,
            self.equations,
            self.norms,
            self.missed,
            self.false_alarms,
        ):
            yield from words


def check(stranger, report):
    """The differences between a report's JSON (a dict or its text) and the truth, in words."""
    return list(differences(stranger, report))


def differences(stranger, report):
    report = json.loads(report) if isinstance(report, str) else report
    if stranger.refused:
        return Differences(placements=["should have been refused"])
    found = Differences()
    found.placements = _placements(stranger, report["layers"])
    if stranger.equations and report["layers"]:
        found.equations = _equations(stranger.equations, report["layers"][0]["equations"])
    found.norms = _norms(stranger, report["norms"])
    said = {w["code"] for w in report["warnings"]}
    loud = {w["code"] for w in report["warnings"] if w["severity"] in LOUD}
    known = set(stranger.allowed)
    for code in sorted(stranger.warnings):
        known |= set(code.split("|"))
        if not said & set(code.split("|")):
            found.missed.append(f"warning {code} is missing")
    found.false_alarms = [f"warning {code} is a false alarm" for code in sorted(loud - known)]
    return found


def _placements(stranger, layers):
    if stranger.placement is None:
        return []
    read = [layer["placement"] for layer in layers]
    if isinstance(stranger.placement, tuple):
        right = list(stranger.placement)
    else:
        counts = stranger.layers if isinstance(stranger.layers, tuple) else (stranger.layers,)
        if not read or (stranger.layers is not None and len(read) not in counts):
            return [f"{len(read)} layers were found, not {stranger.layers}"]
        right = [stranger.placement] * len(read)
    if len(read) != len(right):
        return [f"{len(read)} layers were found, not {len(right)}"]
    wrong = [(i, a, b) for i, (a, b) in enumerate(zip(read, right, strict=True)) if not _is(a, b)]
    return [f"layer {i} is {b}, not {a}" for i, a, b in wrong[:3]]


def _is(read, right):
    return read in right.split("|")


def _equations(right, read):
    if _canonical(right) == _canonical(read):
        return []
    return [f"the equations are {'; '.join(right)}; not {'; '.join(read)}"]


def _canonical(equations):
    """Without factors; y stands for a norm that is the output; f(x, n1) is f(x + n1)."""
    plain = [re.sub(r"[\w.]+ ?[·*⊙×] ?|\d+\.\d+ ", "", equation) for equation in equations]
    closing = re.fullmatch(r"y = (n\d+)", plain[-1]) if plain else None
    if closing:
        plain = [re.sub(rf"^{closing[1]} =", "y =", equation) for equation in plain[:-1]]
    return {_sorted(equation) for equation in plain}


def _sorted(equation):
    name, right = equation.split(" = ", 1)
    call = re.fullmatch(r"(norm|f)\((.*)\)", right)
    terms = " + ".join(sorted(re.split(r" \+ |, ", call[2] if call else right)))
    return f"{name} = {call[1]}({terms})" if call else f"{name} = {terms}"


def _norms(stranger, read):
    """A maximal matching of what was read to what is there; what is left over is a difference."""
    there = [n for n, count in stranger.norms.items() for _ in range(count)]
    needed = len(there)
    there += [n for n, count in stranger.optional.items() for _ in range(count)]
    partner = {}

    def place(i, seen):
        for j, norm in enumerate(there):
            if j not in seen and _same(read[i], norm):
                seen.add(j)
                if j not in partner or place(partner[j], seen):
                    partner[j] = i
                    return True
        return False

    for i in range(len(read)):
        place(i, set())
    # A needed norm that is unmatched may take the partner of an optional one.
    for j in range(needed):
        if j not in partner:
            spare = next(
                (k for k in partner if k >= needed and _same(read[partner[k]], there[j])), None
            )
            if spare is not None:
                partner[j] = partner.pop(spare)
    missing = Counter(_words(there[j]) for j in range(needed) if j not in partner)
    extra = Counter(_read_words(norm) for i, norm in enumerate(read) if i not in partner.values())
    return [f"missing: {n} × {words}" for words, n in missing.items()] + [
        f"not there: {n} × {words}" for words, n in extra.items()
    ]


def _same(read, norm):
    if not all(
        _among(read.get(key), right)
        for key, right in (
            ("kind", norm.kind),
            ("gain", norm.gain),
            ("bias", norm.bias),
            ("role", norm.role),
        )
    ):
        return False
    if read["kind"] in (DYT, "other"):
        return True
    eps = norm.eps if isinstance(norm.eps, tuple) else (norm.eps,)
    return (norm.eps is None or any(_close(read.get("eps"), e) for e in eps)) and (
        norm.eps is None or norm.eps == 0 or _among(read.get("eps_place"), norm.place)
    )


def _among(read, right):
    return read in right if isinstance(right, tuple) else read == right


def _close(read, right):
    """To three digits; an ε of 0 may be written as None."""
    if not read or not right:
        return not read and not right
    return abs(read - right) <= 0.01 * right


def _words(norm):
    return (
        f"{norm.kind}, ε {norm.eps} {norm.place}, gain {norm.gain}, bias {norm.bias}, {norm.role}"
    )


def _read_words(norm):
    return (
        f"{norm['kind']}, ε {norm.get('eps')} {norm.get('eps_place')}, gain {norm.get('gain')}, "
        f"bias {norm.get('bias')}, {norm.get('role')} ({norm.get('name')})"
    )


def everyone():
    """All strangers of this folder."""
    found = []
    for module in pkgutil.iter_modules(tests.strangers.__path__):
        loaded = importlib.import_module(f"tests.strangers.{module.name}")
        found += getattr(loaded, "STRANGERS", [])
    return found


def of_file(path):
    """The STRANGERS of a module somewhere else."""
    spec = importlib.util.spec_from_file_location("more_strangers", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.STRANGERS


def read(stranger):
    """The report of `normlab.inspect` as a dict."""
    import normlab

    module, inputs = stranger.make()
    keywords = {"optimizer": stranger.optimizer(module)} if stranger.optimizer else {}
    report = normlab.inspect(module, inputs, **keywords).as_json()
    return json.loads(report) if isinstance(report, str) else report


@dataclass
class Verdict:
    """What became of one stranger: a report with its differences, a refusal, or a crash."""

    stranger: object
    seconds: float
    found: Differences | None = None
    error: str = ""
    refused: bool = False
    report: dict | None = None

    @property
    def fine(self):
        if self.found is None:
            return self.refused and (self.stranger.refused or self.stranger.may_refuse)
        return not list(self.found)

    def line(self):
        if self.found is None:
            word = "refused" if self.refused else "CRASHED"
            return f"{'ok ' if self.fine else '-- '}{self.stranger.name}: {word}: {self.error}"
        head = "ok " if self.fine else "-- "
        return f"{head}{self.stranger.name} ({self.seconds:.1f} s)" + "".join(
            f"\n       {words}" for words in self.found
        )


def judge(stranger, reader=read, trace=False):
    """Read one stranger and compare."""
    start = time.perf_counter()
    try:
        report = reader(stranger)
    except Exception as error:
        if trace:
            traceback.print_exc()
        words = f"{type(error).__name__}: {error}".splitlines()[0][:300]
        seconds = time.perf_counter() - start
        return Verdict(stranger, seconds, error=words, refused=isinstance(error, REFUSALS))
    seconds = time.perf_counter() - start
    return Verdict(stranger, seconds, differences(stranger, report), report=report)


def totals(verdicts):
    """The figures that issue 21 asks for."""
    asked = [v for v in verdicts if not v.stranger.refused]
    lines = []
    for about in ("placements", "norms", "equations"):
        these = asked
        if about == "equations":
            these = [v for v in asked if v.stranger.equations]
        if about == "placements":
            these = [v for v in asked if v.stranger.placement is not None]
        right = sum(v.found is not None and not getattr(v.found, about) for v in these)
        wrong = sum(v.found is not None and bool(getattr(v.found, about)) for v in these)
        refused, crashed = _without_report(these)
        lines.append(
            f"{about}: {right} right, {wrong} wrong, {refused} refused, {crashed} crashed "
            f"of {len(these)}"
        )
    faulty = [v for v in asked if v.stranger.warnings]
    seen = sum(v.found is not None and not v.found.missed for v in faulty)
    lines.append(f"mistakes seen: {seen} of {len(faulty)} blocks; by code: {_by_code(faulty)}")
    silent = [v for v in verdicts if v.found is not None and (v.found.placements or v.found.norms)]
    lines.append(f"silent nonsense (wrong without an error): {len(silent)} of {len(verdicts)}")
    clean = [v for v in asked if v.stranger.clean]
    alarms = sum(v.found is not None and bool(v.found.false_alarms) for v in clean)
    beside = sum(v.found is not None and bool(v.found.false_alarms) for v in faulty)
    lines.append(
        f"false alarms: on {alarms} of {len(clean)} clean ones, beside the mistake on {beside} "
        f"of {len(faulty)}"
    )
    should = [v for v in verdicts if v.stranger.refused]
    if should:
        lines.append(f"refused as they should be: {sum(v.fine for v in should)} of {len(should)}")
    times = [v.seconds for v in verdicts]
    lines.append(f"time: {sum(times) / len(times):.2f} s each, {max(times):.1f} s at most")
    return lines


def _without_report(verdicts):
    refused = sum(v.found is None and v.refused for v in verdicts)
    return refused, sum(v.found is None and not v.refused for v in verdicts)


def _by_code(verdicts):
    there, seen = Counter(), Counter()
    for verdict in verdicts:
        for code in verdict.stranger.warnings:
            there[code] += 1
            seen[code] += verdict.found is not None and not any(
                f"warning {code} is missing" == words for words in verdict.found.missed
            )
    return ", ".join(f"{code} {seen[code]}/{there[code]}" for code in sorted(there))


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.strangers.judge")
    parser.add_argument("names", nargs="*", help="parts of names; all if there are none")
    parser.add_argument("--also", action="append", default=[], help="a file with STRANGERS")
    parser.add_argument("--only", action="append", default=[], help="such a file, and no others")
    parser.add_argument("--trace", action="store_true", help="tracebacks of errors")
    parser.add_argument("--wrong", action="store_true", help="only those with differences")
    parser.add_argument("--list", action="store_true", help="names only; nothing is read")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    strangers = [] if options.only else everyone()
    for path in (*options.also, *options.only):
        strangers += of_file(path)
    if options.names:
        strangers = [s for s in strangers if any(part in s.name for part in options.names)]
    if options.list:
        print(*(s.name for s in strangers), sep="\n")
        return
    verdicts = []
    for stranger in strangers:
        verdicts.append(judge(stranger, trace=options.trace))
        if not (options.wrong and verdicts[-1].fine):
            print(verdicts[-1].line(), flush=True)
    print("", *totals(verdicts), sep="\n")


if __name__ == "__main__":
    main()
