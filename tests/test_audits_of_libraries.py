"""The audited norms of libraries: the stored table, and what makes it."""

import csv
import importlib.util
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from torch import nn

from normlab.audit import NotAuditable, audit_norm
from normlab.chapters.frameworks import draw_worst_errors, load_audits, worst_errors
from normlab.chapters.frameworks.audits.rows import ERRORS, Audited
from normlab.chapters.frameworks.audits.stored import (
    APART,
    LIBRARIES,
    STORED,
    stored_audits,
    write_audits,
)
from normlab.chapters.frameworks.audits.transformers_norms import norm_classes, texts_of_norms
from normlab.chapters.frameworks.audits.ways_to_make import way_to_make
from normlab.chapters.frameworks.figures import describe_worst_errors
from normlab.chapters.frameworks.framework import FRAMEWORKS
from normlab.pictures.told import figure_in_words

FLAX = ("Flax", "LayerNorm")


def rows(path=STORED):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def row(library, norm):
    (found,) = [r for r in rows() if (r["library"], r["norm"]) == (library, norm)]
    return found


def test_the_table_has_every_library_and_the_denominator():
    assert [*dict.fromkeys(r["library"] for r in rows())] == [*LIBRARIES]
    of_transformers = [r for r in rows() if r["library"] == "transformers"]
    assert len(of_transformers) == 69
    assert sum(int(r["alike"]) for r in of_transformers) == 300
    left_out = [r for r in of_transformers if r["verdict"] == "not audited"]
    assert (len(left_out), sum(int(r["alike"]) for r in left_out)) == (22, 38)
    assert all(r["why"] for r in left_out)


def test_torch_ours_and_keras_are_conformant():
    for library in ("torch", "normlab", "Keras on torch"):
        found = [r for r in rows() if r["library"] == library]
        assert len(found) == 2
        assert {r["verdict"] for r in found} == {"conformant"}


def test_a_compiled_norm_has_no_second_derivative_and_layer_norm_depends_on_the_batch():
    for norm, batch in (("LayerNorm", True), ("RMSNorm", False)):
        compiled = row("torch.compile", norm)
        assert compiled["second"] == "inf"
        assert ("batch-dependent" in compiled["mistakes"]) == batch
        assert float(compiled["float32"]) < 5


def test_ours_alone_is_right_on_huge_rows_and_far_from_0():
    errors = {r["library"]: float(r["huge-rows"]) for r in rows() if r["norm"] == "LayerNorm"}
    assert [library for library, error in errors.items() if error < 8] == ["normlab"]
    assert float(row("normlab", "LayerNorm")["offset-1e6"]) < 8
    assert float(row("torch", "LayerNorm")["offset-1e6"]) > 1e5


def test_flax_takes_the_variance_in_one_pass_and_depends_on_the_batch():
    layer, rms = row("Flax", "LayerNorm"), row("Flax", "RMSNorm")
    assert "cancellation" in layer["mistakes"].split()
    assert "batch-dependent" in layer["mistakes"].split()
    assert rms["mistakes"] == "batch-dependent"
    assert not {"dx", "dgain", "dbias", "second"} & {*rms["fails"].split()}


def test_most_classes_of_transformers_have_llamas_text_and_narrow_float64():
    first = next(r for r in rows() if r["library"] == "transformers")
    assert int(first["alike"]) == 138
    assert first["verdict"] == "conformant"
    assert first["mistakes"] == "float64-narrowed"
    assert row("transformers", "ImageGPTLayerNorm")["mistakes"] == "half-statistics"
    assert row("transformers", "MuseSparkTextInputScaledRMSNorm")["mistakes"] == "gain-first"


def test_gated_and_channel_first_norms_are_audited():
    for norm in ("OlmoHybridRMSNormGated", "BailingHybridRMSNormGated", "BambaRMSNormGated"):
        assert row("transformers", norm)["computes"] == "RMSNorm, ε = 1e-06"
    for norm in ("EomtLayerNorm2d", "SqueezeBertLayerNorm"):
        assert row("transformers", norm)["verdict"] == "conformant"
    assert row("transformers", "VitDetLayerNorm")["mistakes"] == "half-statistics"
    assert row("transformers", "EsmFold2RMSNorm")["affine"] == "no gain"


def test_tf_kerass_second_derivative_alone_is_wrong():
    layer = row("tf.keras", "keras.layers.LayerNormalization")
    assert "second-derivative" in layer["mistakes"].split()
    assert float(layer["second"]) > 1e6
    assert not {"dx", "dgain", "dbias"} & {*layer["fails"].split()}
    assert "second" not in row("tf.keras", "keras.layers.RMSNormalization")["fails"].split()


def test_the_stored_audits_are_data():
    audits = load_audits()
    assert len(audits) == len(rows())
    assert {audit.verdict for audit in audits} == {"conformant", "not conformant", "not audited"}
    assert all(audit.errors for audit in audits if audit.audited)
    assert not any(audit.errors for audit in audits if not audit.audited)
    (flax,) = [audit for audit in audits if (audit.library, audit.norm) == FLAX]
    assert flax.mistakes == ("cancellation", "batch-dependent")
    assert flax.kind == "LayerNorm"
    assert flax.errors["offset-100"] > 1e4


def test_each_audit_stands_in_one_row_of_the_worst_errors():
    audits = [audit for audit in load_audits() if audit.audited]
    errors = worst_errors(load_audits())
    assert len(errors) <= 25
    assert sum(error.texts for error in errors) == len(audits)
    assert sum(error.classes for error in errors) == sum(audit.alike for audit in audits)
    by_label = {error.label: error for error in errors}
    assert by_label["normlab LayerNorm"].ulps < by_label["torch LayerNorm"].ulps / 10
    flax = by_label["Flax LayerNorm"]
    assert (flax.check, flax.torch_ulps) == ("offset-100", by_label["torch LayerNorm"].ulps)
    assert by_label["EsmFold2LayerNorm"].ulps == float("inf")


def test_the_picture_of_the_worst_errors_has_a_bar_for_each_and_says_it():
    errors = worst_errors(load_audits())
    ax = Figure().subplots()
    draw_worst_errors(errors, ax)
    assert [bars[0].get_width() for bars in ax.containers] == [min(e.ulps, 1e8) for e in errors]
    assert [label.get_text() for label in ax.get_yticklabels()] == [e.label for e in errors]
    told = figure_in_words(ax.figure)
    assert "Flax LayerNorm on rows + 100: 60,000" in told
    assert "EsmFold2LayerNorm on forward, float16: ∞" in told
    sentence, table = describe_worst_errors(errors)
    assert "Flax LayerNorm on rows + 100 (6e+04 ulps)" in sentence
    assert len(table.rows) == len(errors)


class Sigmoid(nn.RMSNorm):
    def forward(self, x, gate=None):
        return (super().forward(x) * gate.sigmoid()).to(x.dtype)


class SiluInside(nn.RMSNorm):
    def __init__(self, size, group_size):
        super().__init__(size, eps=1e-6)

    def forward(self, x, gate):
        return super().forward(x * nn.functional.silu(gate).to(x.dtype))


class Channels(nn.LayerNorm):
    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Weightless(nn.Module):
    def __init__(self, eps=1e-6):
        super().__init__()
        self.eps = eps

    def forward(self, x):
        return nn.functional.rms_norm(x, x.shape[-1:], eps=self.eps)


@pytest.mark.parametrize("norm", [nn.LayerNorm, Sigmoid, SiluInside, Channels, Weightless])
def test_a_class_is_made_and_called_by_its_arguments(norm):
    audit = audit_norm(way_to_make(norm))
    assert audit.conformant
    assert not audit.faults
    assert audit.affine == ("no gain" if norm is Weightless else audit.affine)


def test_a_class_that_is_more_than_a_norm_is_refused_with_the_reason():
    class Adaptive(nn.LayerNorm):
        def __init__(self, size):
            super().__init__(size)
            self.scale = nn.Linear(size, size)

    class OfTwo(nn.LayerNorm):
        def forward(self, x, other):
            return super().forward(x) + other

    class OfConfig(nn.LayerNorm):
        def __init__(self, config):
            super().__init__(config.hidden_size)

    for norm, said in ((Adaptive, "Linear"), (OfTwo, "other"), (OfConfig, "does not say of which")):
        with pytest.raises(NotAuditable, match=said):
            way_to_make(norm)


def test_the_table_shows_a_row_for_each():
    table = stored_audits()
    assert len(table.rows) == len(rows())
    assert "LayerNorm, ε = 0.001" in str(table)


def test_ours_come_out_as_they_are_stored(tmp_path):
    write_audits(tmp_path / "again.csv", ["normlab"])
    for again in rows(tmp_path / "again.csv"):
        stored = row("normlab", again["norm"])
        for name in ("computes", "affine", "verdict", "fails", "mistakes"):
            assert again[name] == stored[name]


def test_the_classes_of_the_installed_transformers_are_found_and_audited():
    pytest.importorskip("transformers")
    classes = norm_classes()
    assert len(classes) >= 60
    assert sum(one.alike for one in classes) >= 290
    assert any(one.of_other_axes for one in classes)
    of_transformers = [r for r in rows() if r["library"] == "transformers"]
    if version("transformers") == of_transformers[0]["version"]:
        stored = [(r["norm"], int(r["alike"])) for r in of_transformers]
        assert [(one.name, one.alike) for one in classes] == stored
        assert {"PeAudioEncoderRMSNorm", "FalconMambaWeightlessRMSNorm"} <= called_norms()
    assert classes[0].alike > 100
    (imagegpt,) = [one for one in classes if one.name == "ImageGPTLayerNorm"]
    assert imagegpt.target == "transformers.models.imagegpt.modeling_imagegpt:ImageGPTLayerNorm"
    from transformers.models.imagegpt.modeling_imagegpt import ImageGPTLayerNorm

    audit = audit_norm(ImageGPTLayerNorm)
    assert audit.notes == ("It is called ImageGPTLayerNorm, and is an RMSNorm.",)
    assert [fault.name for fault in audit.faults] == ["half-statistics"]


def called_norms():
    """The names of all classes of the installed transformers that count as norms."""
    models = Path(importlib.util.find_spec("transformers").origin).parent / "models"
    sources = (path.read_text(encoding="utf-8") for path in models.glob("*/modeling_*.py"))
    return {name for source in sources for name, _ in texts_of_norms(source)}


def test_what_cannot_be_audited_is_a_row_that_says_why():
    found = Audited("mine", "nothing", lambda size: None).row()
    assert found["verdict"] == "not audited"
    assert "returned a NoneType" in found["why"]
    assert {*ERRORS} <= found.keys()


PROGRAM = """
import torch
from normlab.chapters.frameworks.audits.{module} import {wrapper}
from normlab.chapters.frameworks.framework import FRAMEWORKS
from normlab.chapters.frameworks.library import load_library

library = load_library(FRAMEWORKS[{name!r}])
for dtype in (torch.float64, torch.bfloat16):
    norm = {wrapper}(library, {norm!r}, 8).to(dtype)
    exact = torch.nn.{norm}(8, eps=norm.eps).to(dtype)
    found = []
    for one in (norm, exact):
        x = torch.arange(24, dtype=dtype).sin().reshape(3, 8).requires_grad_()
        dx, dw = torch.autograd.grad(
            one(x).square().sin().sum(), [x, one.weight], create_graph=True
        )
        found.append([one(x), dx, dw, *torch.autograd.grad(dx.sin().sum(), [x])])
    for got, wanted in zip(*found):
        assert got.dtype == dtype, got.dtype
        size = wanted.abs().max().item()
        assert (got - wanted).abs().max() <= (0.05 if dtype == torch.bfloat16 else 1e-5) * size
print("same")
"""


@pytest.mark.parametrize(
    ("name", "module", "wrapper", "norm"),
    [
        ("Flax", "jax_norm", "JaxNorm", "LayerNorm"),
        ("Keras on torch", "keras_norm", "KerasNorm", "LayerNorm"),
        ("tf.keras", "keras_norm", "TensorFlowNorm", "RMSNorm"),
    ],
)
def test_a_wrapped_norm_has_the_values_and_derivatives_of_torchs(
    name, module, wrapper, norm, tmp_path
):
    program = PROGRAM.format(name=name, module=module, wrapper=wrapper, norm=norm)
    done = run_with(name, program, tmp_path)
    assert done.stdout.strip().endswith("same"), done.stderr


def run_with(name, program, folder):
    """A program in a process with a framework's variables."""
    framework = FRAMEWORKS[name]
    if framework.missing():
        pytest.skip(f"{name} is not installed")
    own = {"KERAS_HOME": str(folder), **framework.environment, **APART[name]}
    return subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | own, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


DIFFERENCES = """
import keras
import numpy as np
import tensorflow as tf

layer = keras.layers.LayerNormalization(dtype="float64")
layer.build((None, 5))
rng = np.random.default_rng(0)
x, dy, v = rng.normal(size=(3, 1, 5))

def plain(x):
    centered = x - tf.reduce_mean(x, -1, keepdims=True)
    return centered / tf.sqrt(tf.reduce_mean(centered**2, -1, keepdims=True) + 1e-3)

def first(norm, x):
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(norm(x) * dy)
    return tf.reduce_sum(tape.gradient(loss, x) * v)

for norm in (plain, layer):
    given = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(given)
        with tf.GradientTape() as inner:
            inner.watch(given)
            loss = tf.reduce_sum(norm(given) * dy)
        along = tf.reduce_sum(inner.gradient(loss, given) * v)
    steps = 1e-5 * np.eye(5)[:, None]
    differences = [(first(norm, x + h) - first(norm, x - h)) / 2e-5 for h in steps]
    print(np.allclose(tape.gradient(along, given)[0], differences, atol=1e-4))
"""


def test_tf_kerass_second_derivative_is_wrong_by_finite_differences_too(tmp_path):
    """tf.nn.moments stops the gradient of the mean, which is 0 only once."""
    done = run_with("tf.keras", DIFFERENCES, tmp_path)
    assert done.stdout.split() == ["True", "False"], done.stderr
