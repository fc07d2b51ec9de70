"""A norm of one framework, audited in a process of its own: `python -m ….audits.worker NAME`.

Which norm comes in by stdin, its row is the last line of stdout, as JSON.
"""

import json
import sys
from functools import partial

from normlab.audit.definition import Claim
from normlab.chapters.frameworks.audits.jax_norm import JaxNorm
from normlab.chapters.frameworks.audits.keras_norm import KerasNorm, TensorFlowNorm
from normlab.chapters.frameworks.audits.rows import Audited
from normlab.chapters.frameworks.framework import FRAMEWORKS
from normlab.chapters.frameworks.library import load_library

WRAPPERS = {"Keras on torch": KerasNorm, "tf.keras": TensorFlowNorm, "Flax": JaxNorm}
CLAIMS: dict[str, Claim] = {"LayerNorm": "layer_norm", "RMSNorm": "rms_norm"}


def main(name: str) -> None:
    framework = FRAMEWORKS[name]
    library = load_library(framework)
    norm = sys.stdin.read()
    make = partial(WRAPPERS[name], library, norm)
    own_name = framework.norms[norm].split(":")[1]
    row = Audited(name, own_name, make, claim=CLAIMS[norm]).row()
    print()  # whatever a framework has printed ends here
    json.dump(row, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
