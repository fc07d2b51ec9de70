"""What goes wrong in the LSTM cell: the words of the reference that are exchanged."""

from normlab.checks.examination import Examination
from normlab.checks.exercise import ANY_INPUT, Mistake
from normlab.checks.signs import changes_arguments, differs, raises, tells
from normlab.exercises import common
from normlab.exercises.beyond_transformers.lstm_norm_mistakes import GATES, NORM_MISTAKES

ORDER = "f, i, o, g = gates"
LINEAR_X = "self.linear_x = nn.Linear(input_size, gates, bias=False)"
LINEAR_H = "self.linear_h = nn.Linear(hidden_size, gates, bias=False)"
BIASED_X = {LINEAR_X: "self.linear_x = nn.Linear(input_size, gates)"}
BIASED_H = {LINEAR_H: "self.linear_h = nn.Linear(hidden_size, gates)"}

_no_such_axis = raises("Dimension out of range", "tuple index out of range", "too many indices")
_linear_bias = tells("parameters", "linear_x.bias", "linear_h.bias")


def _without_a_batch(e: Examination) -> list[int]:
    """Where an axis is missing, and only where there is no axis for a batch."""
    return _no_such_axis(e) if e.first_wrong == ANY_INPUT else []


def _other_parameters(e: Examination) -> list[int]:
    """Where the parameters differ by more than the biases of the linear maps."""
    return [] if _linear_bias(e) else differs("parameters")(e)


MISTAKES = (
    *NORM_MISTAKES,
    Mistake(
        "gate-order",
        "the gates come in another order than f, i, o, g",
        "The order decides which rows of the weights belong to which gate. The paper's is f, i, o, "
        "g; torch.nn.LSTMCell has i, f, g, o.",
        {ORDER: "i, f, g, o = gates"},
        {ORDER: "f, i, g, o = gates"},
        {ORDER: "i, f, o, g = gates"},
    ),
    Mistake(
        "forget-bias",
        "1 is added to the forget gate",
        "Many LSTMs add it, so that the cell keeps what it holds at the start. The paper's cell "
        "has b alone, which starts at 0.",
        {"torch.sigmoid(f) * c": "torch.sigmoid(f + 1) * c"},
    ),
    Mistake(
        "gates-coupled",
        "the input gate is 1 − σ(f)",
        "Here σ(i) is a gate of its own: the new c is σ(f)·c + σ(i)·tanh(g).",
        {"torch.sigmoid(i)": "(1 - torch.sigmoid(f))"},
    ),
    Mistake(
        "hard-sigmoid",
        "the gates take a piecewise linear function for the sigmoid",
        "f, i and o take σ(z) = 1/(1 + e^−z). Keras once had hard_sigmoid as its default.",
        {
            "torch.sigmoid(f)": "(0.2 * f + 0.5).clamp(0, 1)",
            "torch.sigmoid(i)": "(0.2 * i + 0.5).clamp(0, 1)",
            "torch.sigmoid(o)": "(0.2 * o + 0.5).clamp(0, 1)",
        },
        {
            "torch.sigmoid(f)": "nn.functional.hardsigmoid(f)",
            "torch.sigmoid(i)": "nn.functional.hardsigmoid(i)",
            "torch.sigmoid(o)": "nn.functional.hardsigmoid(o)",
        },
    ),
    Mistake(
        "axis-counted-from-front",
        "the gates are cut along an axis that is counted from the front",
        "Axis 1 is the last one of (B, 4H) only; without an axis for the batch there is none. "
        "Count from the end: dim=-1, or shape[-1].",
        {"chunk(4, dim=-1)": "chunk(4, dim=1)"},
        seen=_without_a_batch,
    ),
    Mistake(
        "bias-doubled",
        "b is added twice",
        "One b serves the sum. torch.nn.LSTMCell has two biases, b_ih and b_hh; here the norms "
        "have shifts already.",
        {GATES: "from_x + from_h + 2 * self.bias"},
    ),
    Mistake(
        "bias-missing",
        "b is not added",
        "The sum is LN(W_x x) + LN(W_h h) + b.",
        {GATES: "from_x + from_h"},
    ),
    Mistake(
        "tanh-missing",
        "a tanh is missing",
        "What is written into the cell is tanh(g), between −1 and 1, and what is read out is "
        "tanh(LN(c)).",
        {"torch.tanh(g)": "g"},
        {"torch.tanh(self.norm_c(new_c))": "self.norm_c(new_c)"},
    ),
    Mistake(
        "candidate-not-tanh",
        "the candidate g takes another function than tanh",
        "The gates f, i and o are sigmoids, between 0 and 1. The candidate g takes tanh, so that "
        "the cell can also fall.",
        {"torch.tanh(g)": "torch.sigmoid(g)"},
        {"torch.tanh(g)": "torch.relu(g)"},
    ),
    Mistake(
        "state-swapped",
        "h and c are swapped",
        "The state is the pair (h, c), in this order, going in and coming out.",
        {"return new_h, new_c": "return new_c, new_h"},
        {"h, c = state": "c, h = state"},
    ),
    Mistake(
        "linear-bias",
        "a linear map has a bias of its own",
        "nn.Linear has one unless it gets bias=False. A bias would stand inside the norm; b is "
        "added to the sum of both norms.",
        BIASED_X,
        BIASED_H,
        {**BIASED_X, **BIASED_H},
        seen=_linear_bias,
    ),
    Mistake(
        "parameters-differ",
        "the parameters have other names or shapes",
        "Weights are loaded by name. The table in the text lists the nine parameters.",
        {
            "self.norm_c = nn.LayerNorm(hidden_size)": "self.norm_c = nn.LayerNorm(hidden_size); "
            "self.more = nn.Linear(1, 1)"
        },
        {"self.bias = nn.Parameter(torch.zeros(gates))": "self.bias = torch.zeros(gates)"},
        seen=_other_parameters,
    ),
    Mistake(
        "state-for-memory",
        "the old h stands where the old c belongs",
        "The memory is c: the new c is σ(f)·c + σ(i)·tanh(g). h only makes the gates.",
        {"torch.sigmoid(f) * c": "torch.sigmoid(f) * h"},
    ),
    Mistake(
        "old-cell-read",
        "h is read from the old c",
        "First the cell is updated, then h is read from the new c.",
        {"self.norm_c(new_c)": "self.norm_c(c)"},
    ),
    Mistake(
        "gradient-cut",
        "no gradient flows back through the state",
        "detach() inside the cell ends the memory of backward: the gradient must reach h and c.",
        {"h, c = state": "h, c = state[0].detach(), state[1].detach()"},
        {"h, c = state": "h, c = state[0].detach(), state[1]"},
        {"h, c = state": "h, c = state[0], state[1].detach()"},
    ),
    Mistake(
        "bias-start",
        "the parameter `bias` does not start at 0",
        "The norms' shifts and b are added up, and all start at 0. A forget gate that starts open "
        "is another cell.",
        {"torch.zeros(gates)": "torch.ones(gates)"},
        {"torch.zeros(gates)": "torch.full((gates,), 0.01)"},
        seen=differs("greatest bias at the start"),
    ),
    Mistake(
        "input-mutated",
        "c is changed in place",
        "The caller still needs the old state: backward through time does, for one.",
        {"return new_h, new_c": "c.data.copy_(new_c.data)\n        return new_h, new_c"},
        seen=changes_arguments,
    ),
    common.float64_narrowed({"return new_h, new_c": "return new_h.float().to(h.dtype), new_c"}),
)
