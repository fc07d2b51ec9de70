"""`tf.keras`, which is Keras 3 on TensorFlow, behind the seam."""

from importlib import import_module
from typing import Any

from normlab.chapters.frameworks.keras_library import KerasLibrary
from normlab.chapters.frameworks.library import Weights
from normlab.norms import FloatArray


class TensorFlowLibrary(KerasLibrary):
    def gradients(self, model: Any, x: FloatArray, dy: FloatArray) -> Weights:
        tf: Any = import_module("tensorflow")
        leaf = tf.Variable(x)
        named = {"x": leaf} | {n: p.variable.value for n, p in self.parameters(model).items()}
        with tf.GradientTape() as tape:
            y = model(tf.convert_to_tensor(leaf))
        found = tape.gradient(y, named, output_gradients=tf.constant(dy))
        return {name: g.numpy() for name, g in found.items()}


library = TensorFlowLibrary
