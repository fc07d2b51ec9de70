"""What goes wrong in the initialization: the words of the reference that are exchanged."""

from normlab.checks.exercise import Mistake
from normlab.checks.signs import differs, raises

QUERY_KEY, WITH_BETA = '("q_proj", "k_proj")', '("v_proj", "out_proj", "fc1", "fc2")'
VARIANCE = "(2 / (module.in_features + module.out_features))"
OTHER_LINEAR = """\
            if not name.endswith("gate_proj"):
                continue
            gain"""
DRAW = "nn.init.xavier_normal_(module.weight, gain=gain)"

MISTAKES = (
    Mistake(
        "beta-on-query-key",
        "q_proj or k_proj gets β too",
        "Queries and keys only decide where attention looks. Smaller ones do not make the update "
        "smaller; they make attention nearly uniform. The paper gives them gain 1.",
        {"gain = 1.0": "gain = beta"},
        {QUERY_KEY: '("k_proj",)', WITH_BETA: '("q_proj", "v_proj", "out_proj", "fc1", "fc2")'},
    ),
    Mistake(
        "beta-missing-on-value",
        "v_proj gets no β",
        "What attention adds to the stream is W_out · W_v · x: both factors get β. xformers left "
        "v_proj out until its pull request 284.",
        {
            QUERY_KEY: '("q_proj", "k_proj", "v_proj")',
            WITH_BETA: '("out_proj", "fc1", "fc2")',
        },
    ),
    Mistake(
        "beta-missing-on-output",
        "out_proj gets no β",
        "What attention adds to the stream is W_out · W_v · x: both factors get β.",
        {
            QUERY_KEY: '("q_proj", "k_proj", "out_proj")',
            WITH_BETA: '("v_proj", "fc1", "fc2")',
        },
    ),
    Mistake(
        "beta-missing-on-ffn",
        "fc1 or fc2 gets no β",
        "What the FFN adds to the stream is fc2(relu(fc1(x))): both matrices get β.",
        {
            QUERY_KEY: '("q_proj", "k_proj", "fc1", "fc2")',
            WITH_BETA: '("v_proj", "out_proj")',
        },
        {
            QUERY_KEY: '("q_proj", "k_proj", "fc1")',
            WITH_BETA: '("v_proj", "out_proj", "fc2")',
        },
    ),
    Mistake(
        "beta-missing-on-attention",
        "v_proj and out_proj get no β",
        "What attention adds to the stream is W_out · W_v · x: both factors get β, as fc1 and fc2.",
        {
            QUERY_KEY: '("q_proj", "k_proj", "v_proj", "out_proj")',
            WITH_BETA: '("fc1", "fc2")',
        },
        {
            QUERY_KEY: '("v_proj", "out_proj")',
            WITH_BETA: '("q_proj", "k_proj", "fc1", "fc2")',
        },
    ),
    Mistake(
        "matrix-kept",
        "some matrices are not drawn anew",
        "nn.Linear does not start with Xavier's normal distribution: its gain is about 0.6. Draw "
        "all six matrices, also those of gain 1.",
        {QUERY_KEY: "()"},
        {WITH_BETA: '("v_proj", "out_proj")'},
    ),
    Mistake(
        "beta-missing",
        "β is not used",
        "β is the gain of v_proj, out_proj, fc1 and fc2; without it the update grows with the "
        "depth.",
        {"gain = beta": "gain = 1.0"},
    ),
    Mistake(
        "inverse-beta",
        "the weights are multiplied by 1/β",
        "β < 1 is the gain itself: the deeper the model, the smaller the weights.",
        {"gain = beta": "gain = 1 / beta"},
    ),
    Mistake(
        "beta-root-or-square",
        "the gain is √β or β²",
        "A gain multiplies the standard deviation. The variance gets β², and no root is taken.",
        {"gain = beta": "gain = beta**0.5"},
        {"gain = beta": "gain = beta**2"},
    ),
    Mistake(
        "beta-multiplied",
        "β is multiplied onto the weights that were there",
        "That is right only if they were Xavier's, and only the first time: a second call makes "
        "them smaller still. Draw them anew.",
        {DRAW: "module.weight.data.mul_(gain)"},
    ),
    Mistake(
        "uniform-for-normal",
        "the large weights are missing, as in a uniform distribution",
        "The paper's Figure 2 has xavier_normal_. xavier_uniform_ has the same standard deviation, "
        "but no weight beyond 1.7 of it.",
        {DRAW: "nn.init.xavier_uniform_(module.weight, gain=gain)"},
    ),
    Mistake(
        "wrong-fan",
        "the standard deviation has another denominator than fan_in + fan_out",
        "Xavier's is gain · √(2/(fan_in + fan_out)). Where a matrix is not square, gain/√fan_in is "
        "another number.",
        {DRAW: "nn.init.normal_(module.weight, std=gain * module.in_features**-0.5)"},
        {DRAW: "nn.init.normal_(module.weight, std=gain * (2 / module.in_features) ** 0.5)"},
    ),
    Mistake(
        "no-fan",
        "the standard deviation is the same for matrices of all sizes",
        "Xavier's is gain · √(2/(fan_in + fan_out)). GPT-2's 0.02 is another initialization.",
        {DRAW: "nn.init.normal_(module.weight, std=0.02 * gain)"},
        {DRAW: "nn.init.normal_(module.weight, std=gain)"},
    ),
    Mistake(
        "variance-for-deviation",
        "the variance stands where the standard deviation belongs",
        "The variance is g²·2/(fan_in + fan_out). normal_ takes its root as std, and so does "
        "multiplying randn.",
        {DRAW: f"nn.init.normal_(module.weight, std=gain * {VARIANCE})"},
        {DRAW: f"nn.init.normal_(module.weight, std=gain**2 * {VARIANCE})"},
    ),
    Mistake(
        "bound-for-deviation",
        "the standard deviation is that of a uniform distribution's bound",
        "√(6/(fan_in + fan_out)) is the bound of xavier_uniform_. The standard deviation is "
        "√(2/(fan_in + fan_out)).",
        {DRAW: f"nn.init.normal_(module.weight, std=gain * (3 * {VARIANCE}) ** 0.5)"},
        {DRAW: f"nn.init.uniform_(module.weight.data, -1, 1).mul_(gain * {VARIANCE} ** 0.5)"},
    ),
    Mistake(
        "truncated",
        "the large weights are missing: the normal distribution is cut off at 2 deviations",
        "trunc_normal_ leaves out what is further away, and makes the deviation smaller by an "
        "eighth. Xavier's normal distribution has these weights.",
        {
            DRAW: f"nn.init.trunc_normal_(module.weight, std=gain * {VARIANCE} ** 0.5, "
            f"a=-2 * gain * {VARIANCE} ** 0.5, b=2 * gain * {VARIANCE} ** 0.5)"
        },
    ),
    Mistake(
        "orthogonal",
        "the matrices are orthogonal",
        "An orthogonal matrix stretches all directions alike; independent normal weights do not. "
        "DeepNorm draws each weight by itself.",
        {DRAW: "nn.init.orthogonal_(module.weight, gain)"},
        {
            DRAW: f"nn.init.orthogonal_(module.weight, gain * ({VARIANCE} * "
            "max(module.weight.shape)) ** 0.5)"
        },
    ),
    Mistake(
        "constant-weights",
        "the weights are not drawn: all are the same number",
        "Then all features of a layer stay alike. The gain is a standard deviation.",
        {DRAW: f"nn.init.constant_(module.weight, gain * {VARIANCE} ** 0.5)"},
    ),
    Mistake(
        "bias-not-zero",
        "the biases are not set to 0",
        "nn.Linear starts with random biases, and beside the small weights of a deep model they "
        "would count most. Set them to 0, whatever β is.",
        {"nn.init.zeros_(module.bias)": "pass"},
        {"nn.init.zeros_(module.bias)": "nn.init.normal_(module.bias, std=0.02)"},
        {"nn.init.zeros_(module.bias)": "nn.init.ones_(module.bias)"},
        {"nn.init.zeros_(module.bias)": "module.bias.data.mul_(gain)"},
        seen=differs("greatest bias"),
    ),
    Mistake(
        "bias-needed",
        "a layer without biases raises an error",
        "nn.Linear(…, bias=False) has bias None. Ask before you set it to 0.",
        {"if module.bias is not None": "if True"},
    ),
    Mistake(
        "bias-drawn",
        "a bias is drawn like a matrix",
        "Xavier's deviation needs fan_in and fan_out, which a bias with its one axis has not. Draw "
        "module.weight, and set module.bias to 0. named_parameters() gives both.",
        {"nn.init.zeros_(module.bias)": "nn.init.xavier_normal_(module.bias, gain=gain)"},
        seen=raises("fewer than 2 dimensions"),
    ),
    Mistake(
        "others-changed",
        "something else than the six kinds is changed",
        "Only q_proj, k_proj, v_proj, out_proj, fc1 and fc2 are initialized. An nn.Linear of "
        "another name, a norm or an embedding has its own initialization.",
        {
            "            continue": "            if isinstance(module, nn.LayerNorm):\n"
            "                module.reset_parameters()\n            continue"
        },
        {"            continue": f"{OTHER_LINEAR} = beta"},
        {"            continue": f"{OTHER_LINEAR} = 1.0"},
        seen=differs("changed besides the six kinds"),
    ),
    Mistake(
        "seed-reset",
        "a seed is set inside, so that random numbers come twice",
        "torch.manual_seed belongs to the caller. Set before each matrix, it makes q_proj and "
        "k_proj equal; set once, it makes all layers of a model equal.",
        {DRAW: f"nn.init.torch.manual_seed(0); {DRAW}"},
        {"for name, module in": "nn.init.torch.manual_seed(0)\n    for name, module in"},
        seen=differs("matrices with the same numbers", "torch's random numbers"),
    ),
    Mistake(
        "state-left",
        "the block is left in another state",
        "The mode, requires_grad and hooks belong to the caller: an initialization writes numbers "
        "only.",
        {"for name, module in": "block.eval()\n    for name, module in"},
        {DRAW: f"module.weight.requires_grad_(False); {DRAW}"},
        seen=differs("left behind"),
    ),
    Mistake(
        "nested-missed",
        "a projection further inside the block is missed",
        "q_proj may be block.self_attn.q_proj or block.encoder_attn.q_proj. named_modules() visits "
        "all of them; the last part of the name says which it is.",
        {'name.rpartition(".")[2]': 'name.removeprefix("self_attn.")'},
        {"block.named_modules()": "block.named_children()"},
    ),
    Mistake(
        "parameters-replaced",
        "the parameters are replaced by new ones",
        "An optimizer made before holds the old ones, and would train what the model does not use. "
        "Write into the tensors: nn.init's functions do.",
        {
            DRAW: "module.weight = nn.Parameter("
            "nn.init.xavier_normal_(module.weight.detach().clone(), gain=gain))"
        },
        seen=differs("replaced parameters"),
    ),
)
