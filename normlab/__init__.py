"""normlab: normalization in transformers, from scratch and measured.

`import normlab` loads no torch. The NumPy norms are in `normlab.norms`, their PyTorch twins in
`normlab.torch_norms`. For learners: `from normlab import check, hint, use, quiz, Table`. For a
model of your own: `normlab.inspect(model, inputs)`.
"""

__version__ = "0.1.0"

try:
    import lazy_loader
except ModuleNotFoundError:  # `python -m normlab doctor` says so, and mends it
    pass
else:
    __getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
