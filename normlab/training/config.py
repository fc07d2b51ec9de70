"""What a training run is: all in scalars, so that one row of a table is one config."""

from dataclasses import dataclass

from normlab.models.transformer import TransformerConfig
from normlab.training.tasks import Task, make_task

OPTIMIZERS = ("adam", "sgd")
_LEAST = {"tokens": 2, "batch": 1, "steps": 1, "warmup_steps": 0, "seed": 0}


@dataclass(frozen=True)
class TrainConfig:
    """One training run.

    Args:
        task: a name in `normlab.training.TASKS`.
        encoder_layers, decoder_layers: of the model. Every task asks for the next token, so there
            is a decoder; "copy" and "sort" also go from an encoder to a decoder.
        placement, norm, d_model, heads, d_ff, qk_norm, init, init_scale: of the model too, as in
            `normlab.models.TransformerConfig`.
        tokens, vocab_size: length of the sequences, and size of their vocabulary
            ("characters" and "verse" have their own).
        batch: sequences a step.
        steps: updates of the weights.
        learning_rate, warmup_steps: the peak, and how many steps lead to it
            (`normlab.training.warmup_lr`).
        clip: greatest norm of all gradients together; None leaves them as they are.
        optimizer: "adam" or "sgd", else as torch sets them.
        seed: of the weights and of the batches.

    Raises:
        ValueError: if a value is out of range, unknown, or does not fit another.

    Example:
        >>> TrainConfig(task="copy", placement="post-norm").model().placement
        'post-norm'
    """

    task: str = "copy"
    encoder_layers: int = 0
    decoder_layers: int = 4
    placement: str = "pre-norm"
    norm: str = "layer_norm"
    d_model: int = 64
    heads: int = 4
    d_ff: int = 256
    qk_norm: bool = False
    init: str = "xavier"
    init_scale: float = 1.0
    tokens: int = 16
    vocab_size: int = 16
    batch: int = 32
    steps: int = 300
    learning_rate: float = 1e-3
    warmup_steps: int = 0
    clip: float | None = None
    optimizer: str = "adam"
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            if getattr(self, name) < least:
                raise ValueError(f"{name} is {getattr(self, name)}; expected at least {least}.")
        for name, value in {"learning_rate": self.learning_rate, "clip": self.clip}.items():
            if value is not None and not value > 0:
                raise ValueError(f"{name} is {value}; expected a number above 0.")
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(
                f"optimizer is {self.optimizer!r}; expected one of {', '.join(OPTIMIZERS)}."
            )
        if self.decoder_layers < 1:
            raise ValueError(
                f"decoder_layers is {self.decoder_layers}; expected at least 1, since every task "
                "asks for the next token, and an encoder alone would read it in its input."
            )
        self.model()

    def model(self) -> TransformerConfig:
        """The model's part of the config."""
        return TransformerConfig(
            encoder_layers=self.encoder_layers,
            decoder_layers=self.decoder_layers,
            placement=self.placement,
            norm=self.norm,
            d_model=self.d_model,
            heads=self.heads,
            d_ff=self.d_ff,
            vocab_size=self.make_task().vocab_size,
            max_tokens=self.tokens,
            qk_norm=self.qk_norm,
            init=self.init,
            init_scale=self.init_scale,
        )

    def make_task(self) -> Task:
        """The task's part of the config."""
        return make_task(self.task, self.tokens, self.vocab_size, self.encoder_layers > 0)
