"""What ATen's operators mean for a norm and for a residual stream, by their names."""

COPIES = frozenset(
    {"_to_copy", "clone", "detach", "alias", "lift_fresh", "nan_to_num", "native_dropout"}
    | {"contiguous", "to", "type_as", "dropout"}  # whole where inference mode is on
)
"""The same numbers, perhaps in another type, or some of them dropped."""

VIEWS = frozenset(
    {"view", "_unsafe_view", "_reshape_alias", "unsqueeze", "squeeze", "expand", "t"}
    | {"transpose", "permute", "select", "slice", "unfold", "split", "split_with_sizes"}
    | {"unbind", "chunk", "as_strided", "reshape", "flatten", "unflatten", "view_as", "movedim"}
)
"""The same numbers in another shape, or some of them."""

WHOLE_VIEWS = VIEWS - {"select", "slice", "unfold", "split", "split_with_sizes", "unbind", "chunk"}
"""The same numbers, all of them."""

REDUCTIONS = frozenset(
    {"mean", "sum", "var", "std", "var_mean", "std_mean", "linalg_vector_norm", "norm", "amax"}
    | {"aminmax", "max", "native_layer_norm", "_fused_rms_norm"}
)
"""Statistics of some axes."""

ROW_PRODUCTS = frozenset({"bmm", "mm", "dot"})
"""A row times itself is a sum of squares; einsum arrives as one of these."""

FUSED_NORMS = frozenset(
    {"native_layer_norm", "_fused_rms_norm", "native_group_norm", "native_batch_norm"}
    | {"layer_norm", "rms_norm", "group_norm", "batch_norm", "instance_norm"}
    | {"_native_batch_norm_legit", "_native_batch_norm_legit_no_training", "_batch_norm_no_update"}
    | {"_batch_norm_with_update", "cudnn_batch_norm", "batch_norm_with_update"}
)
"""A norm in one operator."""

BATCH_NORMS = frozenset(name for name in FUSED_NORMS if "batch_norm" in name)

ELEMENTWISE = frozenset(
    {"add", "sub", "rsub", "mul", "div", "neg", "pow", "square", "sqrt", "rsqrt", "reciprocal"}
    | {"abs", "clamp", "clamp_min", "clamp_max", "maximum", "minimum", "addcmul", "addcdiv"}
    | {"where", "eq", "ne", "lt", "le", "gt", "ge", "bitwise_and", "bitwise_or", "bitwise_not"}
    | {"logical_and", "logical_or", "logical_not", "isfinite", "isnan", "masked_fill", "copy"}
    | {"exp", "exp2", "log", "log2", "frexp", "ldexp", "floor", "ceil", "round", "zeros_like"}
    | {"ones_like", "full_like", "fill", "scalar_tensor", "sign", "tanh", "erf"}
)
"""What a written-out norm is made of, beside reductions."""

OF_A_NORM = COPIES | VIEWS | REDUCTIONS | ELEMENTWISE
"""All that may stand in a written-out norm."""

SHAPE_ONLY = frozenset(
    {"zeros_like", "ones_like", "full_like", "empty_like", "rand_like", "randn_like"}
    | {"new_zeros", "new_ones", "new_full", "new_empty", "new_empty_strided"}
)
"""What reads no number of its argument."""

ACTIVATIONS = frozenset({"relu", "gelu", "silu", "leaky_relu", "hardtanh", "elu", "sigmoid"})
"""What is done to each number by itself, between sub-layers or inside them."""
