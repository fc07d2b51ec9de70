"""Which models the chapter compares."""

COMPARED_MODELS = (
    "BERT",
    "GPT-2",
    "T5",
    "LLaMA",
    "Falcon 7B",
    "Falcon 40B",
    "Mistral 7B",
    "Gemma",
    "OLMo",
    "StarCoder2",
    "Command R",
    "Qwen2",
    "OLMo 2",
    "DeepSeek-V3",
    "Falcon3",
    "gpt-oss",
    "Falcon-H1",
)
"""Names for `normlab.chapters.norms_in_the_wild.find_model`, in the table's order."""
