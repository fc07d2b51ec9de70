"""A framework's report from a process of its own."""

import json
import os
import subprocess
import sys
import tempfile

import torch

from normlab.chapters.frameworks.examine import examine_framework, from_json, to_json
from normlab.chapters.frameworks.framework import INSTALL, Framework
from normlab.chapters.frameworks.library import Weights
from normlab.chapters.frameworks.measure import FEATURES, HIDDEN
from normlab.chapters.frameworks.report import Report
from normlab.chapters.frameworks.torch_library import Block

WORKER = "normlab.chapters.frameworks.worker"
SECONDS = 300
"""After which a framework is given up: importing TensorFlow takes 3 to 30 seconds."""


class CannotRun(RuntimeError):
    """A framework that is not here, or that fails."""


def torch_block(seed: int = 0) -> Block:
    """The block whose weights are carried, with norms whose γ and β are not 1 and 0."""
    generator = torch.Generator().manual_seed(seed)
    norms = torch.nn.LayerNorm(FEATURES), torch.nn.RMSNorm(FEATURES)
    block = Block(*norms, FEATURES, HIDDEN, {})
    with torch.no_grad():
        for name, parameter in block.named_parameters():
            size, center = (
                parameter.shape[-1] ** -0.5,
                float(name in ("norm.weight", "final.weight")),
            )
            parameter.copy_(center + size * torch.randn(parameter.shape, generator=generator))
    return block


def ask(framework: Framework, weights: Weights) -> tuple[Report, Weights]:
    """`examine_framework` in this process, or in one of its own if the framework needs it.

    Raises:
        CannotRun: if a package is missing, or if the process fails; it says how to mend it.
    """
    if framework.missing():
        raise CannotRun(f"not installed: run {INSTALL} in a cell, then restart the kernel")
    if not framework.environment:
        return examine_framework(framework, weights)
    printed = run_apart(framework, WORKER, json.dumps(to_json(weights)))
    try:
        answer = json.loads(printed.splitlines()[-1])
        return Report.from_json(answer["report"]), from_json(answer["weights"])
    except (ValueError, LookupError, TypeError) as error:
        raise CannotRun(f"its answer cannot be read: {error!r}") from error


def run_apart(framework: Framework, module: str, text: str) -> str:
    """What a module prints that runs in a framework's process; other messages go nowhere.

    Args:
        framework: whose name it is given, and whose variables are set.
        module: run with `python -m`.
        text: for its stdin.

    Raises:
        CannotRun: if the process fails, or takes too long.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as empty:
        # no settings of the user's own Keras, and none left behind
        own = {"PYTHONIOENCODING": "utf-8", "KERAS_HOME": empty, **framework.environment}
        command = [sys.executable, "-m", module, framework.name]
        try:
            done = subprocess.run(
                command, input=text, capture_output=True, encoding="utf-8",
                env=os.environ | own, timeout=SECONDS, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise CannotRun(f"no answer came within {SECONDS} seconds") from error
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise CannotRun(f"its process ended with {done.returncode}: {last}")
    return done.stdout
