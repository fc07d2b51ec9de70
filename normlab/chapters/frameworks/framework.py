"""The libraries that are compared, as data: what each norm is called there, and what runs it."""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field

COMPARED_NORMS = ("LayerNorm", "RMSNorm")
INSTALL = "%pip install 'normlab[frameworks]'"
"""For a cell of a notebook, so that it reaches the kernel's own environment."""


@dataclass(frozen=True)
class Framework:
    """One library.

    Args:
        name: how tables name it.
        library: the module here that knows its calls; it holds a subclass of `Library`.
        norms: where the class or function of each norm is found, as `module:name`.
        packages: what must be installed, and whose versions count.
        environment: variables that must be set before it is imported. A framework that has any
            gets a process of its own.
        listings: texts in `listings/` that are run in its process, one after another, with the
            names of the earlier ones.
    """

    name: str
    library: str
    norms: Mapping[str, str]
    packages: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    listings: tuple[str, ...] = ()

    def missing(self) -> list[str]:
        """The packages that are not installed.

        >>> FRAMEWORKS["NumPy"].missing()
        []
        """
        return [name for name in self.packages if importlib.util.find_spec(name) is None]


_TORCH = "normlab.chapters.frameworks.torch_library"
_KERAS_NORMS = {
    "LayerNorm": "keras.layers:LayerNormalization",
    "RMSNorm": "keras.layers:RMSNormalization",
}
# On the CPU alone: the same numbers everywhere, and no GPU memory taken from the notebook.
_QUIET = {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}

FRAMEWORKS: Mapping[str, Framework] = {
    framework.name: framework
    for framework in (
        Framework(
            "NumPy",
            "normlab.chapters.frameworks.numpy_library",
            {"LayerNorm": "normlab.norms:layer_norm", "RMSNorm": "normlab.norms:rms_norm"},
            ("numpy",),
        ),
        Framework(
            "ours in torch",
            _TORCH,
            {
                "LayerNorm": "normlab.torch_norms:LayerNorm",
                "RMSNorm": "normlab.torch_norms:RMSNorm",
            },
            ("torch",),
        ),
        Framework(
            "torch.nn",
            _TORCH,
            {"LayerNorm": "torch.nn:LayerNorm", "RMSNorm": "torch.nn:RMSNorm"},
            ("torch",),
        ),
        Framework(
            "Keras on torch",
            "normlab.chapters.frameworks.keras_library",
            _KERAS_NORMS,
            ("keras", "torch"),
            _QUIET | {"KERAS_BACKEND": "torch", "KERAS_TORCH_DEVICE": "cpu"},
            ("keras_rms_scaling",),
        ),
        Framework(
            "tf.keras",
            "normlab.chapters.frameworks.tensorflow_library",
            {norm: f"tensorflow:keras.layers.{path.split(':')[1]}"
             for norm, path in _KERAS_NORMS.items()},
            ("tensorflow", "keras"),
            _QUIET | {
                "KERAS_BACKEND": "tensorflow",
                "TF_CPP_MIN_LOG_LEVEL": "3",
                "TF_ENABLE_ONEDNN_OPTS": "0",
            },
            ("seed_tensorflow", "seed_tensorflow_checked"),
        ),
        Framework(
            "Flax",
            "normlab.chapters.frameworks.flax_library",
            {"LayerNorm": "flax.nnx:LayerNorm", "RMSNorm": "flax.nnx:RMSNorm"},
            ("flax", "jax"),
            _QUIET | {"JAX_PLATFORMS": "cpu", "JAX_TRACEBACK_FILTERING": "off"},
            ("one_setting",),
        ),
    )
}  # fmt: skip
"""By name. `tf.keras` *is* Keras 3, and one process can hold Keras with one backend only: it is
chosen when `keras` is first imported. Keras on torch and Keras on TensorFlow are two programs with
the same front, so both are measured, each in a process of its own."""
