"""All frameworks side by side: run where they are installed, else as they were stored."""

import functools
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import torch

from normlab.chapters.frameworks.comparison import Comparison
from normlab.chapters.frameworks.framework import FRAMEWORKS, Framework
from normlab.chapters.frameworks.process import CannotRun, ask, torch_block
from normlab.chapters.frameworks.report import Report
from normlab.tools.processes import available_cores
from normlab.tools.progress_bar import progress_bar
from normlab.tools.timing import one_thread

STORED = Path(__file__).with_name("frameworks.json")


def measured(framework: Framework) -> Report:
    """Carry torch's block to a framework, take its report, and carry the block back to torch."""
    block = torch_block()
    weights = {name: p.detach().numpy() for name, p in block.named_parameters()}
    report, back = ask(framework, weights)
    if report.carried is None:
        return report
    home = torch_block(seed=1)
    home.load_state_dict({name: torch.from_numpy(value) for name, value in back.items()})
    same = all(
        torch.equal(p, q) for p, q in zip(block.parameters(), home.parameters(), strict=True)
    )
    return replace(report, carried=replace(report.carried, came_back=same))


@functools.cache
def compare_frameworks() -> Comparison:
    """Run each framework that is installed, once a session; 10 to 30 seconds for all.

    What is not installed, or fails, is read from the stored results.

    Example:
        >>> stored_comparison().reports["Flax"].defaults["LayerNorm"].eps
        '1e-06'
    """
    reports, not_run = dict(stored_comparison().reports), {}
    with one_thread(), ThreadPoolExecutor(available_cores()) as pool:
        apart = {n: pool.submit(measured, f) for n, f in FRAMEWORKS.items() if f.environment}
        for name, framework in progress_bar(FRAMEWORKS.items(), "frameworks"):
            try:
                reports[name] = apart[name].result() if name in apart else measured(framework)
            except CannotRun as error:
                not_run[name] = str(error)
    return Comparison(reports, not_run)


def stored_comparison() -> Comparison:
    """The reports that come with the course."""
    stored = json.loads(STORED.read_text(encoding="utf-8"))
    reports = {name: Report.from_json(data) for name, data in stored["frameworks"].items()}
    return Comparison(reports, dict.fromkeys(reports, "nothing was run"))
