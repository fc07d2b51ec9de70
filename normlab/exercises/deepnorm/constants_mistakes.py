"""What goes wrong with α and β: the words of the reference that are exchanged."""

from normlab.checks.exercise import Mistake
from normlab.checks.signs import accepts

ALONE_ALPHA, ALONE_BETA = "(2 * layers) ** 0.25", "(8 * layers) ** -0.25"
MIXED_BETA = "0.87 / mixed"
ENCODER = "(0.81 * mixed, 0.87 / mixed)"
DECODER_ALPHA, DECODER_BETA = "(3 * m) ** 0.25", "(12 * m) ** -0.25"
DECODER = f"({DECODER_ALPHA}, {DECODER_BETA})"
FOURTHS = (ALONE_ALPHA, ALONE_BETA, DECODER_ALPHA, DECODER_BETA)
NO_ENCODER, NO_DECODER = '"encoder": None', '"decoder": None'

MISTAKES = (
    Mistake(
        "layers-for-sublayers",
        "N or M, the layers, stand where the sub-layers are counted",
        "A layer of one stack has two sub-layers, so N layers give 2N branches: α = (2N)^¼ and "
        "β = (8N)^−¼ = (4·2N)^−¼. The decoder of two stacks has three in each layer: 3M and 12M.",
        {"(2 * layers)": "layers"},
        {"(8 * layers)": "(4 * layers)"},
        {"(2 * layers)": "layers", "(8 * layers)": "(4 * layers)"},
        {"(3 * m)": "m", "(12 * m)": "(4 * m)"},
        {
            "(2 * layers)": "layers",
            "(8 * layers)": "(4 * layers)",
            "(3 * m)": "m",
            "(12 * m)": "(4 * m)",
        },
        {
            "(2 * layers)": "layers",
            "(8 * layers)": "(4 * layers)",
            ENCODER: "(n ** 0.25, (4 * n) ** -0.25)",
            DECODER: "(m ** 0.25, (4 * m) ** -0.25)",
        },
    ),
    Mistake(
        "one-stack-constants",
        "a stack of an encoder–decoder gets the constants of a stack that stands alone",
        "Two stacks share one update: the encoder's constants then depend on both depths, "
        "0.81(N⁴M)^(1/16) and 0.87(N⁴M)^(−1/16), and the decoder has three sub-layers a layer.",
        {ENCODER: "((2 * n) ** 0.25, (8 * n) ** -0.25)"},
        {DECODER: "((2 * m) ** 0.25, (8 * m) ** -0.25)"},
        {
            ENCODER: "((2 * n) ** 0.25, (8 * n) ** -0.25)",
            DECODER: "((2 * m) ** 0.25, (8 * m) ** -0.25)",
        },
        {ENCODER: "alone", DECODER: "alone"},
    ),
    Mistake(
        "cross-attention-counted",
        "a decoder alone gets 3M and 12M",
        "Without an encoder there is no cross-attention, so a layer has two sub-layers: a decoder "
        "alone has (2M)^¼ and (8M)^−¼, like an encoder alone.",
        {
            '"encoder": None, "decoder": alone': '"encoder": None, "decoder": '
            "((3 * m) ** 0.25, (12 * m) ** -0.25)"
        },
    ),
    Mistake(
        "constant-of-the-other-stack",
        "2 and 3, or 8 and 12, are mixed up",
        "A stack that stands alone has 2 and 8 = 4·2. The decoder of an encoder–decoder has a "
        "third sub-layer, and so 3 and 12 = 4·3.",
        {DECODER_BETA: "(8 * m) ** -0.25"},
        {DECODER_ALPHA: "(2 * m) ** 0.25"},
        {ALONE_BETA: "(12 * layers) ** -0.25"},
        {ALONE_ALPHA: "(3 * layers) ** 0.25", ALONE_BETA: "(12 * layers) ** -0.25"},
        {ALONE_BETA: "(12 * layers) ** -0.25", DECODER_BETA: "(8 * m) ** -0.25"},
    ),
    Mistake(
        "four-missing",
        "β is 1/α: the 4 under its root is missing",
        "With s sub-layers α = s^¼ and β = (4s)^−¼: 8 = 4·2 and 12 = 4·3.",
        {ALONE_BETA: "(2 * layers) ** -0.25", DECODER_BETA: "(3 * m) ** -0.25"},
        {ALONE_BETA: "(2 * layers) ** -0.25"},
    ),
    Mistake(
        "mixed-for-decoder",
        "the decoder gets the constants of the encoder",
        "Only the encoder of an encoder–decoder depends on both depths. Its decoder has (3M)^¼ and "
        "(12M)^−¼.",
        {DECODER: "encoder"},
    ),
    Mistake(
        "pair-exchanged",
        "α and β are exchanged in the pair",
        "The pair is (α, β): first the factor of the residual, which is above 1, then the gain of "
        "the weights, which is below 1.",
        {
            f"({ALONE_ALPHA}, {ALONE_BETA})": f"({ALONE_BETA}, {ALONE_ALPHA})",
            ENCODER: "(0.87 / mixed, 0.81 * mixed)",
            DECODER: f"({DECODER_BETA}, {DECODER_ALPHA})",
        },
        {ENCODER: "(0.87 / mixed, 0.81 * mixed)"},
    ),
    Mistake(
        "factors-exchanged",
        "0.81 and 0.87 are exchanged",
        "The encoder of two stacks has α = 0.81(N⁴M)^(1/16) and β = 0.87(N⁴M)^(−1/16).",
        {ENCODER: "(0.87 * mixed, 0.81 / mixed)"},
    ),
    Mistake(
        "factor-missing",
        "0.81 or 0.87 is missing",
        "The encoder of two stacks has α = 0.81(N⁴M)^(1/16) and β = 0.87(N⁴M)^(−1/16).",
        {ENCODER: "(mixed, 1 / mixed)"},
    ),
    Mistake(
        "power-without-brackets",
        "the exponent 1/4 or 1/16 stands without brackets, or is a whole number",
        "In Python x ** 1 / 4 is (x ** 1) / 4, and 1 // 4 is 0. Write x ** (1 / 4).",
        {ALONE_ALPHA: "(2 * layers) ** 1 / 4", ALONE_BETA: "(8 * layers) ** -1 / 4"},
        {
            ALONE_ALPHA: "(2 * layers) ** 1 / 4",
            ALONE_BETA: "(8 * layers) ** -1 / 4",
            "** (1 / 16)": "** 1 / 16",
            DECODER_ALPHA: "(3 * m) ** 1 / 4",
            DECODER_BETA: "(12 * m) ** -1 / 4",
        },
        {"** (1 / 16)": "** 1 / 16"},
        {**dict.fromkeys(FOURTHS, "1.0"), "1 / 16": "1 // 16"},
        dict.fromkeys(FOURTHS, "1.0"),
    ),
    Mistake(
        "stacks-swapped",
        "encoder and decoder are swapped",
        "(3M)^¼ and (12M)^−¼ belong to the decoder, whose layers have a third sub-layer: "
        "cross-attention.",
        {'"encoder": encoder, "decoder": decoder': '"encoder": decoder, "decoder": encoder'},
        {"n = encoder_layers": "n = decoder_layers", "m = decoder_layers": "m = encoder_layers"},
        {"n**4 * m": "n * m**4", DECODER: "((3 * n) ** 0.25, (12 * n) ** -0.25)"},
        {DECODER: "((3 * n) ** 0.25, (12 * n) ** -0.25)"},
    ),
    Mistake(
        "powers-swapped",
        "N and M are swapped in N⁴M",
        "The encoder's own depth N stands to the fourth power, the decoder's to the first.",
        {"n**4 * m": "n * m**4"},
    ),
    Mistake(
        "mixed-depth",
        "the N⁴M of the encoder is another number",
        "N⁴M is N to the fourth times M; its 16th root is √√N times the 16th root of M.",
        {"n**4 * m": "n**4"},
        {"n**4 * m": "n * m"},
        {"n**4 * m": "(n * m) ** 4"},
        {"n**4 * m": "n**4 + m"},
    ),
    Mistake(
        "inverse-beta",
        "β is inverted: it grows with the depth",
        "β makes the initial weights smaller the deeper the model is: its exponent is negative. "
        "The DeepNorm baselines in the code of Mix-LN and LayerNorm Scaling have it wrong too.",
        {
            ALONE_BETA: "(8 * layers) ** 0.25",
            MIXED_BETA: "0.87 * mixed",
            DECODER_BETA: "(12 * m) ** 0.25",
        },
        {ALONE_BETA: "(8 * layers) ** 0.25"},
        {MIXED_BETA: "0.87 * mixed"},
        {DECODER_BETA: "(12 * m) ** 0.25"},
        {ALONE_BETA: "(8 * layers) ** 0.25", DECODER_BETA: "(12 * m) ** 0.25"},
        {MIXED_BETA: "0.87 * mixed", DECODER_BETA: "(12 * m) ** 0.25"},
        {ALONE_BETA: "(8 * layers) ** 0.25", MIXED_BETA: "0.87 * mixed"},
    ),
    Mistake(
        "torchscale-constant",
        "1.15 stands for 0.87",
        "The encoder's β is 0.87(N⁴M)^(−1/16). 1.15 is 1/0.87: torchscale divides by X/1.15, "
        "which multiplies by 1.15/X and not by 0.87/X.",
        {MIXED_BETA: "1.15 / mixed"},
        {MIXED_BETA: "1 / (0.87 * mixed)"},
    ),
    Mistake(
        "glm-root",
        "a square root stands where the fourth root belongs",
        "(2N)^½ is what GLM-130B chose, not DeepNorm. With it the update of one step of SGD falls "
        "with the depth; with (2N)^¼ it stays the same.",
        {ALONE_ALPHA: "(2 * layers) ** 0.5", ALONE_BETA: "(2 * layers) ** -0.5"},
        {ALONE_ALPHA: "(2 * layers) ** 0.5"},
        {ALONE_ALPHA: "(2 * layers) ** 0.5", ALONE_BETA: "(8 * layers) ** -0.5"},
        {
            ALONE_ALPHA: "(2 * layers) ** 0.5",
            ALONE_BETA: "(8 * layers) ** -0.5",
            DECODER_ALPHA: "(3 * m) ** 0.5",
            DECODER_BETA: "(12 * m) ** -0.5",
        },
    ),
    Mistake(
        "wrong-root",
        "the root is not the fourth, or of N⁴M not the 16th",
        "N⁴M has five factors, and each constant grows or falls about like the fourth root of a "
        "depth: (N⁴M)^(1/16) is √√N times a little.",
        {"1 / 16": "1 / 8"},
        {"1 / 16": "1 / 4"},
        {ALONE_ALPHA: "(2 * layers) ** 0.125", ALONE_BETA: "(8 * layers) ** -0.125"},
    ),
    Mistake(
        "factor-outside-root",
        "2, 3, 8 or 12 stands outside the root",
        "The root is taken of the product. In Python `**` binds tighter than `*`, so 2 * n ** 0.25 "
        "is 2·(n^¼); write (2 * n) ** 0.25.",
        {"(2 * layers) **": "2 * layers **", "(8 * layers) **": "8 * layers **"},
        {"(2 * layers) **": "2 * layers **"},
        {
            "(2 * layers) **": "2 * layers **",
            "(8 * layers) **": "8 * layers **",
            "(3 * m) **": "3 * m **",
            "(12 * m) **": "12 * m **",
        },
    ),
    Mistake(
        "factor-inside-root",
        "0.81 or 0.87 stands inside the root",
        "They are factors of the root: α = 0.81·(N⁴M)^(1/16) and β = 0.87·(N⁴M)^(−1/16).",
        {ENCODER: "((0.81 * n**4 * m) ** 0.0625, (0.87 * n**4 * m) ** -0.0625)"},
    ),
    Mistake(
        "none-missing",
        "a stack that the model has not gets constants",
        "Where there are 0 layers, nothing can be scaled: the entry is None.",
        {NO_DECODER: '"decoder": (1.0, 1.0)', NO_ENCODER: '"encoder": (1.0, 1.0)'},
        {NO_DECODER: '"decoder": (0.0, 0.0)', NO_ENCODER: '"encoder": (0.0, 0.0)'},
        {NO_DECODER: '"decoder": alone', NO_ENCODER: '"encoder": alone'},
    ),
    Mistake(
        "counts-not-checked",
        "impossible numbers of layers raise no ValueError that names them",
        "A negative count, or 0 layers in both stacks, is a mistake of the caller. Raise a "
        "ValueError that names the counts.",
        {"if min(n, m) < 0 or layers == 0": "if False"},
        {"min(n, m) < 0 or layers == 0": "layers == 0"},
        {"min(n, m) < 0 or layers == 0": "min(n, m) < 0"},
        seen=accepts("misfit"),
    ),
)
