"""The audited norms of libraries: the stored table, and what makes it."""

import csv
import os
import subprocess
import sys

import pytest

from normlab.audit import audit_norm
from normlab.chapters.frameworks.audits.rows import ERRORS, Audited
from normlab.chapters.frameworks.audits.stored import (
    APART,
    IN_TORCH,
    LIBRARIES,
    STORED,
    stored_audits,
    write_audits,
)
from normlab.chapters.frameworks.audits.transformers_norms import norm_classes
from normlab.chapters.frameworks.framework import FRAMEWORKS


def rows(path=STORED):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def row(library, norm):
    (found,) = [r for r in rows() if (r["library"], r["norm"]) == (library, norm)]
    return found


def test_the_table_has_every_library_and_the_denominator():
    assert [*dict.fromkeys(r["library"] for r in rows())] == [*LIBRARIES]
    of_transformers = [r for r in rows() if r["library"] == "transformers"]
    assert len(of_transformers) == 45
    assert sum(int(r["alike"]) for r in of_transformers) == 251
    assert all(r["why"] for r in rows() if r["verdict"] == "not audited")


def test_torch_ours_and_keras_are_conformant():
    for library in (*IN_TORCH, "Keras on torch"):
        found = [r for r in rows() if r["library"] == library]
        assert len(found) == 2
        assert {r["verdict"] for r in found} == {"conformant"}


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
    assert len(classes) >= 40
    assert sum(one.alike for one in classes) >= 240
    assert classes[0].alike > 100
    (imagegpt,) = [one for one in classes if one.name == "ImageGPTLayerNorm"]
    assert imagegpt.target == "transformers.models.imagegpt.modeling_imagegpt:ImageGPTLayerNorm"
    from transformers.models.imagegpt.modeling_imagegpt import ImageGPTLayerNorm

    audit = audit_norm(ImageGPTLayerNorm)
    assert audit.notes == ("It is called ImageGPTLayerNorm, and is an RMSNorm.",)
    assert [fault.name for fault in audit.faults] == ["half-statistics"]


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
    norm = {wrapper}(library, "LayerNorm", 8).to(dtype)
    exact = torch.nn.LayerNorm(8, eps=norm.eps).to(dtype)
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
    ("name", "module", "wrapper"),
    [
        ("Flax", "jax_norm", "JaxNorm"),
        ("Keras on torch", "keras_norm", "KerasNorm"),
        ("tf.keras", "keras_norm", "TensorFlowNorm"),
    ],
)
def test_a_wrapped_norm_has_the_values_and_derivatives_of_torchs(name, module, wrapper, tmp_path):
    framework = FRAMEWORKS[name]
    if framework.missing():
        pytest.skip(f"{name} is not installed")
    own = {"KERAS_HOME": str(tmp_path), **framework.environment, **APART[name]}
    program = PROGRAM.format(name=name, module=module, wrapper=wrapper)
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | own, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.stdout.strip().endswith("same"), done.stderr
