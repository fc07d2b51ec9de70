"""Claims on Keras, which is optional: without it they are not run."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from normlab.claims.claim import Claim, Finding, Measure, NotRun, require

ENVIRONMENT = {"KERAS_BACKEND": "numpy", "PYTHONWARNINGS": "ignore", "OMP_NUM_THREADS": "1"}
SECONDS = 120


@cache
def ask_keras() -> Mapping[str, float]:
    """What `keras_process` measured in a process of its own, once a session.

    Raises:
        NotRun: if Keras is not installed, or its process fails.
    """
    require("keras", "pip install 'normlab[frameworks]'")
    program = Path(__file__).with_name("keras_process.py")
    try:
        done = subprocess.run(
            [sys.executable, str(program)],
            capture_output=True,
            text=True,
            encoding="utf-8",
            env={**os.environ, **ENVIRONMENT},
            timeout=SECONDS,
            check=True,
        )
    except subprocess.TimeoutExpired as error:
        raise NotRun(f"keras gave no answer within {SECONDS} seconds") from error
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or ["no message"])[-1]
        raise NotRun(f"keras failed: {last}") from error
    found: Mapping[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def keras_layer_norm() -> Finding:
    """Claim 40: does Keras' layer compute the formula, and with which ε by default?"""
    found = ask_keras()
    return Finding(
        (
            Measure("Keras' layer − the formula", found["layer_norm"], "float32", high=1e-5),
            Measure("its default ε", found["layer_norm_default_eps"], "not 1e-5", 9e-4, 1.1e-3),
        ),
        f"LayerNormalization(axis=-1, epsilon=1e-5) differs from the formula by less than 1e-5; "
        f"its default ε is {found['layer_norm_default_eps']:g}.",
    )


def keras_rms_norm() -> Finding:
    """Claim 41: does Keras have RMSNorm, and is rms_scaling that?"""
    found = ask_keras()
    apart = found.get("rms_norm", float("nan"))
    measures = [
        Measure("Keras has RMSNormalization", found["has_rms_norm"], "since 3.9", 1, 1),
        Measure("it − the formula", apart, "float32", high=1e-5),
    ]
    option = "there is no option rms_scaling"
    if "rms_scaling" in found:
        scaling = found["rms_scaling"]
        measures.append(Measure("rms_scaling=True − the formula", scaling, "it is x/σ", low=0.1))
        option = f"LayerNormalization(rms_scaling=True) is up to {scaling:.1f} off the formula"
    return Finding(
        tuple(measures),
        f"keras.layers.RMSNormalization is there: {bool(found['has_rms_norm'])}; {option}.",
    )


CLAIMS = (
    Claim(
        40,
        "tf.keras.layers.LayerNormalization(axis=-1, epsilon=1e-5)",
        "measurement",
        "holds",
        "",
        "axis=-1 normalizes the last dimension. Mind that the default ε is 1e-3, not torch's 1e-5.",
        keras_layer_norm,
        "(2, 10, 512), float32, Keras with NumPy behind it; chapter 10 has TensorFlow",
        "keras.layers.LayerNormalization, Keras' documentation",
        "10",
    ),
    Claim(
        41,
        "Custom RMSNorm (no built-in in TF/Keras)",
        "measurement",
        "wrong",
        "since Keras 3.9",
        "keras.layers.RMSNormalization is there since 3.9.0. LayerNormalization(rms_scaling=True) "
        "is not RMSNorm: it divides by the deviation and subtracts no mean.",
        keras_rms_norm,
        "(2, 10, 512), float32, Keras with NumPy behind it; chapter 10 has TensorFlow",
        "keras.layers.RMSNormalization, Keras' documentation",
        "10",
    ),
)
