"""The audit of a norm: what is right passes, and each mistake is named."""

import inspect
import json
import re
import sys
from dataclasses import FrozenInstanceError
from pathlib import Path

import audited_mutants as mutants
import pytest
import torch
from torch import nn

from normlab import cli, torch_norms
from normlab.audit import Audit, Line, NotAuditable, audit_norm
from normlab.audit.errors import ulps
from normlab.audit.suite import CHECKS

NAMED = {
    "EpsOutside": "eps-outside",
    "RmsEpsOutside": "eps-outside",
    "EpsMissing": "eps-missing",
    "EpsAsFloor": "eps-as-floor",
    "HalfStatistics": "half-statistics",
    "RmsHalfStatistics": "half-statistics",
    "Bfloat16Inside": "half-statistics",
    "Float16Inside": "half-statistics",
    "Bfloat16Mean": "half-statistics",
    "RmsBfloat16Inside": "half-statistics",
    "RmsFloat16Inside": "half-statistics",
    "RmsAllBfloat16": "half-statistics",
    "RmsHalfProducts": "rounded-often",
    "MeanTwice": "mean-twice",
    "OnePassVariance": "cancellation",
    "Unbiased": "unbiased-variance",
    "OverTheBatch": "axis-batch",
    "BatchDependent": "batch-dependent",
    "MeanDetached": "mean-detached",
    "DeviationDetached": "std-detached",
    "RmsDetached": "std-detached",
    "StatisticsDetached": "statistics-detached",
    "RmsOverTheBatch": "axis-batch",
    "RmsGainFirst": "gain-first",
    "RmsEpsMissing": "eps-missing",
    "RmsSum": "sum-for-mean",
    "OneAddedTwice": "gamma-plus-one",
    "InNumpy": "no-gradient",
    "GainTwice": "other-formula",
    "GainForgotten": "gamma-missing",
    "BiasForgotten": "beta-missing",
    "DtypeLost": "dtype-lost",
    "AlwaysFloat32": "float64-narrowed",
    "InPlace": "input-mutated",
    "NotDeterministic": "not-deterministic",
    "MeanForSumOfGain": "dgamma-averaged",
}
"""What each mutant does wrong, in the course's words."""
BREAKS = {
    "forward, float64": ("float64", "AlwaysFloat32"),
    "float16": ("float16", "NoFloat16"),
    "bfloat16": ("bfloat16", "CoarseBfloat16"),
    "offsets": ("offset-100", "OnePassVariance"),
    "tiny rows": ("tiny-rows", "TinyToZero"),
    "huge rows": ("huge-rows", "HugeToNan"),
    "zeros": ("zero-rows", "ZerosToNan"),
    "constant rows": ("constant-rows", "ConstantsToNan"),
    "sizes": ("sizes", "PowersOfTwo"),
    "shapes": ("shapes", "TwoAxesAlone"),
    "strides": ("not-contiguous", "IgnoresStrides"),
    "no rows": ("empty", "NotEmpty"),
    "dgain": ("dgain", "MeanForSumOfGain"),
    "dbias": ("dbias", "HalfOfBias"),
    "second": ("second", "OnceDifferentiable"),
    "NaN spreads": ("nan-rows", "LeaksNan"),
    "NaN hidden": ("nan-rows", "HidesNan"),
    "batch": ("batch-invariance", "BatchDependent"),
}
"""Mutants that break one check, and those alone that follow from it."""
PARTLY = {
    "OtherEpsOfHalf": {"float16", "bfloat16"},
    "NoGainOfHalf": {"float16", "bfloat16", "dx"},
    "NoBiasOfHalf": {"float16", "bfloat16"},
    "NoBiasOfFloat64": {"float64"},
    "NoBiasOfWideRows": {"sizes", "float16", "bfloat16"},
    "NoBiasOfFiveAxes": {"shapes"},
    "NoBiasOfStrided": {"not-contiguous"},
}
"""The checks that see mutants which go wrong on some inputs alone."""
FOLLOW = {"float16": {"dx"}, "bfloat16": {"dx"}, "zero-rows": {"dx"}, "sizes": {"dx"}}
FOLLOW |= {"tiny-rows": {"formula"}}
FOLLOW |= {"offset-100": {"offset-1e4", "offset-1e6", "dx"}}


def audited(name):
    mutant = getattr(mutants, name)
    return audit_norm(mutant, "rms_norm" if issubclass(mutant, mutants.Rms) else "layer_norm")


def failing(audit):
    return {line.check for line in audit.lines if line.verdict != "as good as torch's"}


@pytest.mark.parametrize(
    "make",
    [nn.LayerNorm, nn.RMSNorm, torch_norms.LayerNorm, torch_norms.RMSNorm, mutants.Base],
    ids=lambda make: f"{make.__module__}.{make.__name__}",
)
def test_torchs_norms_and_ours_are_right(make):
    audit = audit_norm(make)
    assert audit.conformant
    assert not audit.faults
    assert failing(audit) == set()


@pytest.mark.parametrize("affine", [True, False])
def test_a_norm_without_gain_or_without_bias_is_right(affine):
    for make in (
        lambda size: nn.LayerNorm(size, elementwise_affine=affine, bias=False),
        lambda size: nn.RMSNorm(size, elementwise_affine=affine, eps=1e-5),
    ):
        audit = audit_norm(make)
        assert failing(audit) == set()
        assert "dbias" not in [line.check for line in audit.lines]
        assert ("dgain" in [line.check for line in audit.lines]) == affine


def test_ours_is_right_where_torchs_is_not():
    """Far from 0, and where squares overflow."""
    ours, torchs = audit_norm(torch_norms.LayerNorm), audit_norm(nn.LayerNorm)
    for check in ("huge-rows", "offset-1e4"):
        assert ours.line(check).ulps < 8 < torchs.line(check).ulps
    assert "torch's own is wrong there, too" in torchs.line("huge-rows").sentence


@pytest.mark.parametrize("name", NAMED)
def test_a_mistake_is_named(name):
    audit = audited(name)
    assert [fault.name for fault in audit.faults][:1] == [NAMED[name]], audit
    assert NAMED[name] in str(audit)
    assert audit.conformant == (name in ("AlwaysFloat32", "RmsHalfProducts"))


@pytest.mark.parametrize("name", [name for name in NAMED if "16" in name])
def test_statistics_in_half_precision_are_named_with_their_dtype(name):
    """Also where the numbers that come in, and those that come out, are float32."""
    (fault,) = audited(name).faults
    dtype = "float16" if "Float16" in name else "bfloat16"
    assert fault.title.endswith(f"as by statistics in {dtype}")


@pytest.mark.parametrize("name", ["Bfloat16Inside", "OnePassVariance", "TinyToZero", "EpsOutside"])
def test_a_verdict_follows_the_number_beside_it(name):
    for line in audited(name).lines:
        if line.verdict == "as good as torch's" and "torch's own" not in line.said:
            assert line.ulps <= max(4, 3 * line.torch_ulps), line
    (formula, *_) = audited(name).lines
    assert (formula.verdict == "wrong") == (name != "OnePassVariance")


def test_the_headline_counts_each_check_once():
    def headline(*verdicts):
        lines = tuple(Line("c", "t", verdict, 0, 0, "") for verdict in verdicts)
        return Audit("N", "LayerNorm", "", "weight", lines).headline.partition("): ")[2]

    good, worse, bad = "as good as torch's", "worse than torch's", "wrong"
    assert headline(good, good) == "conformant: 2 checks"
    assert headline(good, worse) == "conformant: 2 checks; 1 has errors greater than torch's"
    assert headline(worse, worse, bad, "refused") == (
        "not conformant: 2 of 4 checks fail; 2 more have errors greater than torch's"
    )
    assert headline(good, bad) == "not conformant: 1 of 2 checks fail"


def test_one_that_is_added_twice_is_said_of_the_weight():
    (fault,) = audited("OneAddedTwice").faults
    assert fault.title == "1 is added to the weight twice: the gain is 2 + weight"


def test_what_is_refused_for_one_reason_is_said_once():
    audit = audited("InNumpy")
    assert {fault.name for fault in audit.faults} == {"no-gradient"}
    assert sum("does not require grad" in line.said for line in audit.lines) > 5


def test_an_infinite_error_is_said_to_be_infinite():
    exact = torch.ones(2, dtype=torch.float64)
    assert ulps(torch.tensor([1.0, torch.inf]), exact) == torch.inf


@pytest.mark.parametrize(("check", "name"), BREAKS.values(), ids=BREAKS)
def test_a_check_fails_on_what_breaks_it_and_on_that_alone(check, name):
    audit = audited(name)
    assert check in failing(audit)
    assert failing(audit) <= {check} | FOLLOW.get(check, set())
    assert audit.faults


@pytest.mark.parametrize(("name", "checks"), PARTLY.items(), ids=PARTLY)
def test_what_is_wrong_on_some_inputs_alone_is_seen(name, checks):
    audit = audited(name)
    assert not audit.conformant
    assert {line.check for line in audit.lines if line.verdict == "wrong"} == checks
    assert "half-statistics" not in {fault.name for fault in audit.faults}
    assert audit.faults


@pytest.mark.parametrize("check", [check.name for check in CHECKS])
def test_every_check_can_fail(check):
    broken = {check for check, _ in BREAKS.values()}
    others = {
        "float32": "MeanTwice",
        "offset-1e4": "OnePassVariance",
        "offset-1e6": "OnePassVariance",
        "dx": "MeanDetached",
        "determinism": "NotDeterministic",
        "input-unchanged": "InPlace",
    }
    assert check in broken or check in failing(audited(others[check]))


def test_every_mutant_is_used():
    made = {n for n, m in vars(mutants).items() if inspect.isclass(m) and n[0] != "_"}
    used = {*NAMED, *PARTLY, *(name for _, name in BREAKS.values())}
    assert made - used == {"Base", "Rms", "OtherEps", "T5LayerNorm", "SometimesNoBias"}


def test_the_caller_may_say_what_it_should_be():
    audit = audit_norm(mutants.Rms, "layer_norm")
    assert [fault.name for fault in audit.faults] == ["rms-norm"]
    assert "it is RMSNorm, ε = 1e-06; expected LayerNorm" in audit.line("formula").said
    assert audit_norm(mutants.OtherEps).conformant
    other = audit_norm(mutants.OtherEps, eps=1e-5)
    assert not other.conformant
    assert other.faults[0].name == "eps-wrong-value"


def test_a_name_that_says_another_norm_is_a_note():
    audit = audit_norm(mutants.T5LayerNorm)
    assert audit.conformant
    assert audit.notes == ("It is called T5LayerNorm, and is an RMSNorm.",)
    held = audit_norm(mutants.T5LayerNorm, "layer_norm")
    assert held.notes == audit.notes


def test_a_gain_of_one_plus_the_weight_is_read():
    class Gemma(mutants.Rms):
        def forward(self, x):
            return ((1 + self.weight) * self.normalized(x)).to(x.dtype)

    audit = audit_norm(Gemma)
    assert audit.affine == "1 + weight"
    assert failing(audit) == set()


def test_a_bias_that_torchs_norm_does_not_have_is_judged():
    class Shifted(mutants.Rms):
        def __init__(self, size):
            super().__init__(size)
            self.bias = nn.Parameter(torch.zeros(size))

        def forward(self, x):
            return (self.weight * self.normalized(x) + self.bias).to(x.dtype)

    audit = audit_norm(Shifted)
    assert audit.affine == "weight, bias"
    assert failing(audit) == set()
    assert audit.line("dbias").torch_ulps > 0


def test_the_unit_is_that_of_the_output():
    exact = torch.tensor([1.0, 3.0, 0.0], dtype=torch.float64)
    assert ulps(torch.tensor([1.0, 3.0, 0.0]), exact) == 0
    assert ulps(torch.tensor([1.0, 3.0 + 2**-21, 0.0]), exact) == 2
    assert ulps(torch.tensor([1.0, 3.0, 2**-22]), exact) == 2  # the unit of the row, not of 0
    assert ulps(torch.tensor([1.0, 3.0, torch.nan]), exact) == torch.inf
    assert ulps(torch.tensor([1.0, 3.0, 2**-9], dtype=torch.float16), exact) == 2


def test_the_report_is_frozen_and_the_same_for_machines():
    audit = audited("EpsOutside")
    assert isinstance(audit, Audit)
    with pytest.raises(FrozenInstanceError):
        audit.name = "other"
    told = json.loads(json.dumps(audit.as_dict(), allow_nan=False))
    assert told["conformant"] is False
    assert [m["name"] for m in told["mistakes"]] == ["eps-outside"]
    assert [line["check"] for line in told["lines"]] == [line.check for line in audit.lines]
    assert [row[0] for row in audit.table().rows] == [line.title for line in audit.lines]
    assert audit.worst.check == "formula"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (nn.LayerNorm(8), "LayerNorm is no way to make a norm"),
        (lambda: nn.LayerNorm(8), "takes no argument"),
        (lambda eps: nn.LayerNorm(8), "takes eps first"),
        (nn.Linear, "needs out_features too"),
        (lambda size: 3, "returned a int"),
        (lambda size: nn.LayerNorm(size + 1), "raised RuntimeError"),
        (lambda size: nn.Linear(size, 2), r"of shape \(2, 2\)"),
        (lambda size: nn.ReLU(), "Say what it should be: --as layer_norm"),
    ],
    ids=["an instance", "no argument", "eps first", "more", "no module", "raises", "shape", "none"],
)
def test_what_cannot_be_audited_is_said(make, said):
    with pytest.raises(NotAuditable, match=said):
        audit_norm(make)


def test_an_audit_leaves_torch_as_it_was():
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    audited("HalfStatistics")
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads


# The command


@pytest.fixture
def norms(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    path = tmp_path / "own_norms.py"
    path.write_text(
        "import time\nfrom torch import nn\nprint('not seen')\n"
        "def build(size):\n    return nn.LayerNorm(size)\n"
        "def slow(size):\n    time.sleep(60)\n"
        "class Scaled(nn.LayerNorm):\n"
        "    def forward(self, x):\n        return 1.5 * super().forward(x)\n"
    )
    return path


def test_the_command_prints_the_audit_and_its_exit_code_tells(norms, capfd):
    assert cli.main(["audit", f"{norms}:build"]) == 0
    out, err = capfd.readouterr()
    assert out.startswith("LayerNorm (LayerNorm, ε = 1e-05; weight, bias): conformant: 24 checks\n")
    assert "not seen" not in out + err
    assert cli.main(["audit", f"{norms}:Scaled", "--as", "layer_norm", "--json"]) == 1
    told = json.loads(capfd.readouterr().out)
    assert told["name"] == "Scaled"
    assert not told["conformant"]


@pytest.mark.parametrize("command", ["inspect", "audit", "scan"])
def test_the_help_says_what_it_does_gives_examples_and_exit_codes(command, capsys):
    with pytest.raises(SystemExit):
        cli.main([command, "--help"])
    described, _, rest = capsys.readouterr().out.partition("options:")
    options, _, examples = rest.partition("Examples:\n")
    lines = [line.strip() for line in examples.splitlines() if line.strip()]
    assert len(lines) >= 3
    assert all(line.startswith(f"normlab {command} ") for line in lines)
    used = set(re.findall(r"--[a-z-]+", examples))
    assert used <= set(re.findall(r"--[a-z-]+", options))
    assert re.search(r"The exit code\s+is 0", described)
    assert re.search(r"and\s+130\s+after\s+Ctrl-C", described)


def test_the_readme_says_how_many_checks_there_are_at_most():
    for name in ("README.md", "CHANGELOG.md"):
        text = (Path(__file__).parents[1] / name).read_text(encoding="utf-8")
        assert re.search(rf"own\s+in\s+up\s+to\s+{len(CHECKS) + 1}\s+checks", text)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.py:build"], "there is no file nowhere.py"),
        (["{}:nothing"], "has no 'nothing'"),
        (["{}"], "names no function"),
        (["{}:slow", "--seconds", "6"], "was not audited after 6 seconds"),
        (["{}:build", "--eps", "-1"], "--eps -1 is no ε"),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else "",
)
def test_wrong_input_is_said_on_stderr(norms, arguments, said, capfd):
    assert cli.main(["audit", *(a.format(norms) for a in arguments)]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert said in err
