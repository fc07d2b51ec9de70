"""LayerNorm and RMSNorm as Triton kernels: a row is read once, and its result is written once.

`normlab.torch_norms` uses them for CUDA tensors where Triton is installed. `kernels/` are written
to be read; they need Triton, and everything else here does not.
"""

from normlab.fused_norms.functions import add_layer_norm, add_rms_norm, layer_norm, rms_norm
from normlab.fused_norms.paths import applies, has_kernels

__all__ = ["add_layer_norm", "add_rms_norm", "applies", "has_kernels", "layer_norm", "rms_norm"]
