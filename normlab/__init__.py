"""normlab: normalization in transformers, from scratch and measured.

`import normlab` loads no torch. The NumPy norms are in `normlab.norms`, their PyTorch twins in
`normlab.torch_norms`.
"""

__version__ = "0.1.0"
