"""What the frameworks were found to do, side by side."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from normlab.chapters.frameworks.framework import COMPARED_NORMS
from normlab.chapters.frameworks.report import Report, SweepPoint
from normlab.tools.table import Table

ROUNDING = 2e-6
"""What float32's rounding alone may come to. Measured: 6e-8 to 5e-7; the digits vary by CPU."""


def shown(difference: float) -> str:
    """Two digits; one for differences that are rounding alone.

    >>> shown(3.1e-7), shown(0.487), shown(931.2)
    ('3e-07', '0.49', '930')
    """
    digits = 1 if difference < ROUNDING else 2
    return f"{float(f'{difference:.{digits}g}'):g}"


@dataclass(frozen=True)
class Comparison:
    """The reports of all frameworks.

    Attributes:
        reports: by the framework's name.
        not_run: by name, why a framework was not run; its report is the stored one.
    """

    reports: Mapping[str, Report]
    not_run: Mapping[str, str]

    def sources(self) -> Table:
        """One row per framework: its versions, and where its numbers come from."""
        rows = []
        for name, report in self.reports.items():
            versions = ", ".join(f"{p} {v}" for p, v in report.versions.items())
            rows.append([name, versions, "stored" if name in self.not_run else "run now"])
        return Table(("framework", "versions", "numbers"), rows)

    def notice(self) -> str:
        """One line on what was not run, and why; empty if all were."""
        reasons: dict[str, list[str]] = {}
        for name, why in self.not_run.items():
            reasons.setdefault(why, []).append(name)
        return "\n".join(
            f"{', '.join(names)}: shown as stored; {why}." for why, names in reasons.items()
        )

    def defaults(self, norm: str) -> Table:
        """What is called, and what it does unless one says otherwise."""
        columns = ("call", "first argument", "ε in the signature", "ε in the output", "weights")
        rows = []
        for report in self.reports.values():
            d = report.defaults[norm]
            rows.append([d.call, d.first_argument, d.eps, f"{d.measured_eps:.2g}", d.parameters])
        return Table(columns, rows)

    def differences(self) -> Table:
        """From float64 with one ε, forward and backward, both norms."""
        columns = ["framework"]
        columns += [f"{norm[:-4]} {result}" for norm, result in self._results()]
        rows = [
            [name, *(shown(report.differences[n][r]) for n, r in self._results())]
            for name, report in self.reports.items()
        ]
        return Table(columns, rows)

    def _results(self) -> list[tuple[str, str]]:
        first = next(iter(self.reports.values()))
        return [(norm, result) for norm in COMPARED_NORMS for result in first.differences[norm]]

    def output_rms(self, norm: str) -> Table:
        """The root mean square of the output of each norm, with its defaults, on small inputs."""
        stds = (1, 0.1, 0.01, 0.001)
        rows = []
        for name, report in self.reports.items():
            found = {p.std: p.output_rms for p in report.sweep[norm] if p.offset == 0}
            eps = report.defaults[norm].eps
            rows.append([name, eps, *(f"{found[std]:.2f}" for std in stds)])
        return Table((norm, "default ε", *(f"std {std:g}" for std in stds)), rows)

    def offsets(self) -> Table:
        """Each layer norm with its defaults on N(0, 1) plus an offset, against its own float64."""
        rows = []
        for name, report in self.reports.items():
            errors = {p.offset: p.from_own for p in report.sweep["LayerNorm"] if p.std == 1}
            rows.append([name, *(f"{errors[offset]:.0e}" for offset in (0, 1000))])
        return Table(("layer norm, greatest error", "offset 0", "offset 1000"), rows)

    def half(self, norm: str) -> Table:
        """float16 inputs: into a layer with defaults, and into one that is in float16."""
        columns = (
            "framework",
            "default layer gives",
            "float16 layer gives",
            "greatest error, in spacings",
            "y at x = (300, −300)",
        )
        rows = []
        for name, report in self.reports.items():
            h = report.half[norm]
            error, large = f"{h.roundings:.2f}", f"{h.large:.0f}"
            rows.append([name, h.output_dtype, h.output_dtype_half, error, large])
        return Table(columns, rows)

    def carried(self) -> Table:
        """torch's block in each framework that has linear layers."""
        columns = (
            "framework",
            "weights came back",
            "ε and GELU carried too",
            "with its default ε",
            "with its default GELU",
        )
        rows = [
            [
                name,
                "bit for bit" if c.came_back else "changed",
                *(shown(v) for v in (c.settled, c.default_eps, c.default_gelu)),
            ]
            for name, report in self.reports.items()
            if (c := report.carried)
        ]
        return Table(columns, rows)

    def overview(self) -> Table:
        """One row per norm and framework: the call, its defaults, and how near it is to float64."""
        columns = (
            "norm",
            "framework",
            "call",
            "ε",
            "weights",
            "float16 comes back as",
            "greatest difference",
        )
        rows = []
        for norm in COMPARED_NORMS:
            for name, report in self.reports.items():
                d, h = report.defaults[norm], report.half[norm]
                worst = shown(max(report.differences[norm].values()))
                rows.append([norm, name, d.call, d.eps, d.parameters, h.output_dtype, worst])
        return Table(columns, rows)

    def listing(self, name: str) -> str:
        """What a listing printed in its framework's process.

        Raises:
            ValueError: if no framework runs a listing of that name.
        """
        for report in self.reports.values():
            if name in report.printed:
                return report.printed[name]
        names = [n for report in self.reports.values() for n in report.printed]
        raise ValueError(f"no framework ran a listing {name!r}; expected one of {names}.")


AGAINST = {"the same norm with ε = 0": "from_ideal", "the same norm, same ε": "from_own"}
"""What the explorer measures the distance to, and the field of `SweepPoint` that holds it."""


@dataclass(frozen=True)
class SweepView:
    """One norm at one offset, and what the distance is measured to."""

    data: Comparison
    norm: str
    offset: float
    against: str

    def points(self, framework: str) -> list[SweepPoint]:
        """The points of this offset, by falling standard deviation."""
        sweep = self.data.reports[framework].sweep[self.norm]
        return [point for point in sweep if point.offset == self.offset]

    def distance(self) -> Callable[[SweepPoint], float]:
        field = AGAINST[self.against]
        return lambda point: float(getattr(point, field))
