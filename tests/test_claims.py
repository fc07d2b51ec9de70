"""The seed's claims: each runs, each can fail, and the ledger says so."""

import importlib.util
import json
import math
import re
import subprocess
import warnings
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from packaging.version import Version
from torch import nn

from normlab.chapters.deepnorm.thousand_layers import ThousandLayers, load_thousand_layers
from normlab.chapters.norms_in_the_wild import load_scan
from normlab.chapters.norms_in_the_wild.scanned_models import (
    ScannedModels,
    load_decoders,
    load_vision_models,
)
from normlab.chapters.rms_norm.centering import sweep_mean_share
from normlab.chapters.warmup.rate_map import WarmupMap, load_warmup_map
from normlab.claims import (
    CLAIMS,
    KINDS,
    THEMES,
    Finding,
    Ledger,
    Measure,
    Result,
    command,
    count_verdicts,
    deepnorm,
    elsewhere,
    frameworks,
    listings,
    load_ledger,
    models,
    placements,
    rms,
    run_claim,
    run_claims,
    seed_text,
    stored,
    training,
    what_it_is,
)
from normlab.claims.explorers import explore_claims
from normlab.claims.figures import draw_debate
from normlab.claims.run import shorten
from normlab.claims.tracks import draw_tracks, track_of
from normlab.cli import main
from normlab.models.initialization import INITIALIZATIONS
from normlab.models.placement.deepnorm_variants import (
    InverseBeta,
)
from normlab.models.placement.standard import PLACEMENTS, PostNorm, PreNorm
from normlab.models.transformer import NORMS
from normlab.norms import batch_norm, layer_norm, rms_norm

NUMBERS = [claim.number for claim in CLAIMS]
TRAINED = {13, 17, 18, 24, 32}
"""Their numbers come from live training, whose rounding errors grow."""


@pytest.fixture(scope="module")
def ledger():
    return run_claims()


def test_the_claims_are_numbered_and_each_has_one_theme():
    assert list(range(1, len(CLAIMS) + 1)) == NUMBERS
    assert sum(map(len, THEMES.values())) == len(CLAIMS)


@pytest.mark.parametrize("claim", CLAIMS, ids=NUMBERS)
def test_a_claim_quotes_the_seed_word_by_word(claim):
    assert claim.quote in " ".join(seed_text().split())


@pytest.mark.parametrize("claim", CLAIMS, ids=NUMBERS)
def test_a_claim_has_a_statement_a_scale_and_a_source_that_can_be_looked_up(claim):
    assert claim.statement
    assert claim.scale
    assert re.search(r"arXiv:\d{4}\.\d{5}|\w+\.(py|csv)|documentation", claim.source)
    assert re.fullmatch(r"\d\d", claim.chapter)
    assert (claim.verdict == "holds if") <= bool(claim.but)


def test_the_counts_of_the_verdicts_are_those_that_the_chapter_states():
    assert count_verdicts() == {"holds": 15, "holds if": 7, "imprecise": 20, "wrong": 4}


@pytest.mark.parametrize("number", NUMBERS)
def test_the_measured_numbers_support_the_verdict(number, ledger):
    finding = ledger.results[number - 1].finding
    if finding.cited:
        pytest.skip("cited: nothing is measured")
    assert finding.passed, finding.table()
    assert str(finding.measures[0].shown) in finding.headline


@pytest.mark.parametrize("number", NUMBERS)
def test_the_stored_numbers_are_those_that_a_run_gives(number, ledger):
    # 1 % holds other CPUs; where a model is trained, only what the bounds say is the same
    now, before = (book.results[number - 1].finding for book in (ledger, load_ledger()))
    assert list(now.figures) == list(before.figures)
    for new, old in zip(now.measures, before.measures, strict=True):
        assert replace(new, value=0) == replace(old, value=0)
        assert new.holds
        assert old.holds
        varies = number in TRAINED or "of torch" in new.name
        if not varies and new.shown != old.shown:
            assert new.value == pytest.approx(old.value, rel=0.01)


@pytest.mark.parametrize("number", [8, 9, 11, 33, 39])
def test_a_claim_leaves_torchs_generator_as_it_was(number):
    before = torch.get_rng_state()
    run_claim(number)
    assert torch.equal(torch.get_rng_state(), before)


LISTING, ENCODER_LAYER = listings.seed_code(), nn.TransformerEncoderLayer


class Identity(PreNorm):
    def step(self, x, f, norm):
        return x


def one_group(shape):
    """A norm with one gain for each channel."""
    return nn.GroupNorm(1, shape if isinstance(shape, int) else shape[0])


def always_pre_norm(*sizes, **options):
    return ENCODER_LAYER(*sizes, **options | {"norm_first": True})


def never_pre_norm(*sizes, **options):
    return ENCODER_LAYER(*sizes, **options | {"norm_first": False})


def with_mask(*sizes):
    """A block of the listing with a causal mask."""
    block = LISTING["PreNormBlock"](*sizes)
    block.attn.forward = partial(
        block.attn.forward, attn_mask=torch.full((10, 10), -math.inf).triu(1)
    )
    return block


def only(records, **changed):
    return ThousandLayers({name: replace(r, **changed) for name, r in records.items()}, "")


def no_run_trained():
    worse = [replace(run, final_loss=run.chance) for run in load_warmup_map().runs]
    return WarmupMap(tuple(worse), "")


def thousand_that_failed():
    return only(load_thousand_layers().records, final_loss=3.4)


def scanned(load, **cells):
    """All models of the scan, with other cells."""
    return lambda: ScannedModels(tuple({**row, **cells} for row in load()))


def of_two_norms():
    """The scan of a library in which every layer has two norms and two sub-layers."""
    cells = {"norms_on_wiring": "2", "equations": "f1 = f(x); f2 = f(x)"}
    return [{**row, **cells} for row in load_scan()]


class WithoutMemory(nn.RNNCell):
    def forward(self, x, h):
        return super().forward(x, torch.zeros_like(h))


def other_wiring(alpha):
    """A layer whose norm moves when α is there."""
    places = ("n1 = norm(x)", "n2 = norm(x)") if alpha == 1 else ("n1 = norm(x)", "n2 = norm(f1)")
    return SimpleNamespace(equations=places)


def with_nodes_by_default(m):
    with warnings.catch_warnings():  # torch_geometric scripts some functions when it is imported
        warnings.simplefilter("ignore", DeprecationWarning)
        import torch_geometric.nn
    layer_norm_of_nodes = partial(torch_geometric.nn.LayerNorm, mode="node")
    m.setattr(torch_geometric.nn, "LayerNorm", layer_norm_of_nodes)


def placed(name, placement):
    return lambda m: m.setitem(PLACEMENTS, name, placement)


def named(module, name, value):
    return lambda m: m.setattr(module, name, value)


BREAKS = {
    1: named(what_it_is, "layer_norm", batch_norm),
    2: named(placements.nn, "TransformerEncoderLayer", always_pre_norm),
    3: named(deepnorm, "AlphaWithoutNorm", PostNorm),
    4: named(deepnorm, "load_thousand_layers", thousand_that_failed),
    5: named(what_it_is, "batch_norm", layer_norm),
    6: named(what_it_is.nn, "LayerNorm", one_group),
    7: named(what_it_is, "layer_norm", lambda x: x - x.mean()),
    8: named(what_it_is.nn, "Dropout", lambda share: nn.Identity()),
    9: named(elsewhere, "LayerNormRNN", lambda input_size, hidden_size: nn.RNN(8, 16)),
    10: named(placements, "load_scan", of_two_norms),
    11: named(placements.nn, "TransformerEncoderLayer", always_pre_norm),
    12: lambda m: m.setitem(INITIALIZATIONS, "gpt2", INITIALIZATIONS["xavier"]),
    13: named(training, "load_warmup_map", no_run_trained),
    14: named(placements.nn, "TransformerEncoderLayer", never_pre_norm),
    15: placed("pre-norm", Identity),
    16: placed("pre-norm", PostNorm),
    17: named(training, "load_warmup_map", no_run_trained),
    18: placed("pre-norm", PostNorm),
    20: named(models, "load_decoders", scanned(load_decoders, placement="post-norm")),
    21: named(models, "load_decoders", scanned(load_decoders, placement="pre-norm")),
    22: named(rms.nn, "RMSNorm", lambda size: nn.LayerNorm(size, bias=False)),
    23: named(rms, "sweep_mean_share", lambda widths: sweep_mean_share([32])),
    24: lambda m: m.setitem(NORMS, "rms_norm", lambda size: nn.Softmin(dim=1)),
    25: named(rms, "norm_cost", lambda norm, way: FLOPS[norm]),
    27: named(models, "load_decoders", scanned(load_decoders, norm="RMSNorm")),
    28: named(models, "load_decoders", scanned(load_decoders, norm="RMSNorm")),
    29: named(deepnorm, "RELEASED", 2.0),
    31: lambda m: m.setitem(deepnorm_variants(), "DeepNorm", InverseBeta),
    32: lambda m: m.setitem(deepnorm_variants(), "DeepNorm", InverseBeta),
    33: named(elsewhere, "LayerNormLSTMCell", nn.LSTMCell),
    34: with_nodes_by_default,
    35: named(elsewhere, "load_vision_models", scanned(load_vision_models, embedding_norm="yes")),
    36: named(listings, "layer_norm", rms_norm),
    37: named(listings, "rms_norm", layer_norm),
    38: named(listings, "seed_code", lambda: {"RMSNorm": nn.RMSNorm}),
    39: named(listings, "seed_code", lambda: {"PreNormBlock": with_mask}),
    40: named(frameworks, "ask_keras", lambda: KERAS | {"layer_norm_default_eps": 1e-5}),
    41: named(frameworks, "ask_keras", lambda: KERAS | {"has_rms_norm": 0.0}),
    43: named(deepnorm, "minimax", other_wiring),
    46: named(elsewhere.nn, "RNNCell", WithoutMemory),
    42: named(models, "load_decoders", scanned(load_decoders, norm="LayerNorm")),
    44: placed("deepnorm", PostNorm),
}
"""What each experiment measures, replaced by something else."""

KERAS = {
    "layer_norm": 1e-7,
    "layer_norm_default_eps": 1e-3,
    "has_rms_norm": 1.0,
    "rms_norm": 1e-7,
    "rms_scaling": 0.6,
}
FLOPS = {
    "LayerNorm": rms.norm_cost("LayerNorm", "forward"),
    "RMSNorm": replace(rms.norm_cost("LayerNorm", "forward"), flops=6),
}


def deepnorm_variants():
    from normlab.models.placement.deepnorm_variants import DEEPNORM_VARIANTS

    return DEEPNORM_VARIANTS


@pytest.mark.parametrize("number", BREAKS)
def test_an_experiment_fails_if_what_it_measures_is_replaced(number, monkeypatch):
    deepnorm.slope_of_step.cache_clear()
    BREAKS[number](monkeypatch)
    assert run_claim(number).finding.status == "fails"
    deepnorm.slope_of_step.cache_clear()


def test_every_claim_is_broken_on_purpose():
    cited = [claim.number for claim in CLAIMS if claim.kind == "citation"]
    assert sorted([*BREAKS, *cited]) == NUMBERS


@pytest.mark.parametrize("claim", CLAIMS, ids=NUMBERS)
def test_a_citation_measures_nothing_and_is_no_pass(claim, ledger):
    finding = ledger.results[claim.number - 1].finding
    assert (finding.status == "cited") == (claim.kind == "citation")
    assert finding.cited == (not finding.measures)
    assert finding.passed != finding.cited


def test_without_keras_its_claims_are_not_run_and_never_passed(monkeypatch):
    frameworks.ask_keras.cache_clear()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    result = run_claim(41)
    assert (result.finding.status, result.finding.passed) == ("not run", False)
    assert result.finding.headline == "not run: needs keras: pip install 'normlab[frameworks]'"
    assert not Ledger((result,)).passed
    assert Ledger((result, run_claim(1))).passed
    assert "measured here: 1 not run, 1 passes" in Ledger((result, run_claim(1))).summary()


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (subprocess.CalledProcessError(1, "keras", stderr="a\nno backend"), "failed: no backend"),
        (subprocess.TimeoutExpired("keras", 120), "no answer within 120 seconds"),
    ],
)
def test_a_keras_that_fails_is_no_verdict(error, message, monkeypatch):
    def fail(*args, **kwargs):
        raise error

    frameworks.ask_keras.cache_clear()
    monkeypatch.setattr(frameworks.subprocess, "run", fail)
    finding = run_claim(40).finding
    assert finding.status == "not run"
    assert message in finding.sentence


@pytest.mark.parametrize(
    "bounds",
    [{}, {"low": 2, "high": 1}, {"low": 1, "why": ""}],
    ids=["no bound", "in disorder", "no argument"],
)
def test_a_measure_without_argued_bounds_is_refused(bounds):
    with pytest.raises(ValueError, match="expected low ≤ high, one of them finite, and an argum"):
        Measure("slope", 1.0, **({"why": "theory"} | bounds))


def test_nan_supports_nothing_and_no_number_passes_nothing():
    nan = Measure("slope", math.nan, "theory", high=1)
    assert not Finding((nan,), "").passed
    assert not Finding((), "").passed


@pytest.mark.parametrize(
    ("value", "low", "high", "shown", "expected"),
    [
        (1e-16, -math.inf, 1e-9, "< 1e-09", "≤ 1e-09"),
        (3e-4, 1e-9, 1e-3, "0.0003", "1e-09 … 0.001"),
        (2500, 2500, 2500, "2500", "2500"),
        (-0.4712, -0.6, -0.4, "-0.47", "-0.6 … -0.4"),
        (1.94e8, 1e6, math.inf, "1.9e+08", "≥ 1e+06"),
        (0.1, -math.inf, 1e-9, "0.1", "≤ 1e-09"),
    ],
)
def test_numbers_are_shown_to_two_digits_and_rounding_by_its_bound(
    value, low, high, shown, expected
):
    measure = Measure("", value, "why", low, high)
    assert (measure.shown, measure.expected) == (shown, expected)


def test_the_table_of_kinds_counts_each_claim_once_and_its_own_experiments():
    rows = load_ledger().kinds().rows
    assert [row[0] for row in rows] == list(KINDS)
    for kind, _, *verdicts, told in rows:
        count = sum(claim.kind == kind for claim in CLAIMS)
        assert sum(verdicts) == count
        assert told == f"{count} {'cited' if kind == 'citation' else 'passes'}"


@pytest.mark.parametrize("number", [0, len(CLAIMS) + 1, -1])
def test_an_unknown_claim_is_refused_before_anything_runs(number, monkeypatch):
    monkeypatch.setattr("normlab.claims.run.run_claim", None)
    with pytest.raises(ValueError, match=f"expected a number from 1 to {len(CLAIMS)}"):
        run_claims([1, number])


def test_your_verdicts_stand_beside_the_courses():
    table = Ledger((run_claim(25), run_claim(29), run_claim(7))).against({25: "holds", 29: "holds"})
    assert [row[1:5] for row in table.rows] == [
        ["holds", "", "wrong", "no"],
        ["holds", "", "holds", "yes"],
        ["no verdict given", "", "", ""],
    ]
    assert table.rows[2][0] == 7
    assert not any(table.rows[2][2:])  # nor what was measured
    with pytest.raises(ValueError, match="your word on claim 25 is 'true'; expected one of"):
        Ledger(()).against({25: "true"})


def test_words_are_left_out_at_the_end_alone():
    assert shorten("a b", 3) == "a b"
    assert shorten("one two three", 9) == "one two …"


def test_what_is_written_for_machines_is_read_again(tmp_path):
    before = Ledger((run_claim(25), run_claim(1)))
    path = tmp_path / "claims.json"
    path.write_text(before.as_json(), encoding="utf-8")
    again = stored.read_ledger(path)
    assert [r.finding for r in again.results] == [r.finding for r in before.results]


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"claims": [{}]}'])
def test_a_file_that_is_no_ledger_is_refused_by_its_name(text, tmp_path):
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"other.json is no ledger .* `normlab claims --json`"):
        stored.read_ledger(path)


def test_the_command_explains_the_claims_that_it_is_asked_for(capsys):
    assert main(["claims", "25", "29"]) == 0
    printed = capsys.readouterr().out
    assert "Claim 25, RMSNorm: passes" in printed
    assert "Verdict:   wrong" in printed
    assert "operations spared within the norm" in printed
    assert "Claim 29, DeepNorm: passes" in printed


def test_the_command_prints_the_ledger(capsys, monkeypatch):
    monkeypatch.setattr(command, "run_claims", lambda numbers: load_ledger())
    assert main(["claims"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 + len(CLAIMS) + 2 + 4
    assert lines[-4] == "measured here: 28 passes"
    assert lines[-1] == "not measured here: cited: 4 cited"
    assert max(map(len, lines)) <= 180


def test_the_command_writes_json_for_machines(capsys):
    assert main(["claims", "--json", "25"]) == 0
    printed = json.loads(capsys.readouterr().out)
    (claim,) = printed["claims"]
    assert claim["verdict"] == "wrong"
    assert claim["passed"] is True
    assert claim["figures"][0]["value"] == pytest.approx(3 / 7)
    made = Version(printed["made"]["torch"])
    assert made.public == Version(torch.__version__).public  # one of them may say +cu121


def test_the_command_fails_if_an_experiment_fails(capsys, monkeypatch):
    monkeypatch.setitem(PLACEMENTS, "deepnorm", PostNorm)
    assert main(["claims", "25", "44"]) == 1
    assert "Claim 44, DeepNorm: fails" in capsys.readouterr().out


def test_the_command_refuses_unknown_numbers_and_words(capsys):
    assert main(["claims", "25", "99"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("normlab claims: there is no claim 99; expected a number from 1")
    with pytest.raises(SystemExit):
        main(["claims", "DeepNorm"])
    assert "invalid int value: 'DeepNorm'" in capsys.readouterr().err


bounds = st.floats(-1e12, 1e12)
numbers = st.floats(-1e12, 1e12) | st.just(math.nan)


@given(numbers, st.none() | bounds, st.none() | bounds)
def test_a_marker_stands_on_its_band_exactly_if_the_number_holds(value, low, high):
    if low is None and high is None:
        return
    low, high = -math.inf if low is None else low, math.inf if high is None else high
    if low > high:
        low, high = high, low
    measure = Measure("", value, "why", low, high)
    track = track_of(measure)
    start, end, at = map(track.place, (measure.low, measure.high, measure.value))
    assert 0 <= start <= end <= 1
    assert 0 <= at <= 1
    assert track.left < track.right
    if measure.holds:
        assert start <= at <= end
    elif not math.isnan(value):
        assert at <= start if value < low else at >= end


def test_marks_within_a_decade_stand_on_a_linear_axis_and_a_tenth_is_not_a_factor_of_ten():
    near = track_of(Measure("operations spared", 0.31, "why", low=0.25))
    assert not near.logarithmic
    assert near.place(0.43) - near.place(0.31) == pytest.approx(
        2 * (near.place(0.31) - near.place(0.25))
    )
    assert track_of(Measure("growth", 1e9, "why", low=10)).logarithmic


def test_the_picture_has_every_claim_once_and_a_ring_around_one():
    ax = Figure().subplots()
    draw_debate(ax, chosen=25)
    assert sorted(int(text.get_text()) for text in ax.texts) == NUMBERS
    rings = [line for line in ax.lines if line.get_markersize() == 25]
    (row,) = rings[0].get_ydata()
    assert list(THEMES)[row] == "RMSNorm"


def test_a_number_out_of_its_bounds_has_another_marker():
    ax = Figure().subplots()
    wrong = Finding((Measure("a", 2, "why", high=1), Measure("b", 0, "why", high=1)), "")
    draw_tracks(ax, Result(CLAIMS[0], wrong, 0))
    assert [line.get_marker() for line in ax.lines if line.get_markersize() == 8] == ["X", "o"]
    assert ax.get_title() == f"claim 1: {CLAIMS[0].ruling}; its experiment: fails"


def test_a_claim_that_was_not_run_shows_why():
    ax = Figure().subplots()
    draw_tracks(ax, Result(CLAIMS[39], Finding((), "not run: needs keras", missing="keras"), 0))
    assert ax.texts[0].get_text() == "not run: needs keras"


def test_the_explorer_begins_with_what_is_stored():
    explorer = explore_claims()
    assert len(explorer.frames) == len(CLAIMS)
    assert explorer.sentence().startswith("Claim 25, “RMSNorm requires")


def test_the_numbers_that_the_chapter_states_are_those_of_the_ledger():
    shown = {r.claim.number: [m.shown for m in r.finding.measures] for r in load_ledger().results}
    assert shown[15][0] == "0.69"
    assert shown[12][:2] == ["0.018", "0.43"]
    assert shown[13][0] == "0.41"
    assert shown[14][0] == "4.1"
    assert shown[16][0] == "-0.47"
    assert shown[23][:2] == ["0.004", "0.32"]
    assert shown[25][:3] == ["0.43", "0.31", "6.1e-05"]
