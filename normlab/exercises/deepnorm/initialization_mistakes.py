"""What goes wrong in the initialization: the words of the reference that are exchanged."""

from normlab.checks.exercise import Mistake

QUERY_KEY, WITH_BETA = '("q_proj", "k_proj")', '("v_proj", "out_proj", "fc1", "fc2")'
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
        "the weights are uniform, not normal",
        "The paper's Figure 2 has xavier_normal_. xavier_uniform_ has the same standard deviation, "
        "but no large weights.",
        {DRAW: "nn.init.xavier_uniform_(module.weight, gain=gain)"},
    ),
    Mistake(
        "wrong-fan",
        "the standard deviation has another denominator than fan_in + fan_out",
        "Xavier's is gain · √(2/(fan_in + fan_out)). Where a matrix is not square, gain/√fan_in is "
        "another number.",
        {DRAW: "nn.init.normal_(module.weight, std=gain * module.in_features**-0.5)"},
        {DRAW: "nn.init.normal_(module.weight, std=0.02 * gain)"},
    ),
    Mistake(
        "bias-not-zero",
        "the biases are not set to 0",
        "nn.Linear starts with random biases, and beside the small weights of a deep model they "
        "would count most. Set them to 0, whatever β is.",
        {"nn.init.zeros_(module.bias)": "pass"},
    ),
    Mistake(
        "bias-needed",
        "a layer without biases raises an error",
        "nn.Linear(…, bias=False) has bias None. Ask before you set it to 0.",
        {"if module.bias is not None": "if True"},
    ),
    Mistake(
        "norm-changed",
        "the norm's weight or bias is changed",
        "Only the six projections and their biases are initialized. A norm's gain of 0 would "
        "silence the block.",
        {"continue": "[nn.init.zeros_(p) for p in module.parameters(recurse=False)]; continue"},
    ),
    Mistake(
        "nested-missed",
        "a projection further inside the block is missed",
        "q_proj may be block.self_attn.q_proj or block.encoder_attn.q_proj. named_modules() visits "
        "all of them; the last part of the name says which it is.",
        {'name.rpartition(".")[2]': 'name.removeprefix("self_attn.")'},
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
    ),
)
