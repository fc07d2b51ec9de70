"""One framework's report, in a process of its own: `python -m …frameworks.worker NAME`.

Weights come in by stdin, the answer is the last line of stdout, both as JSON.
"""

import json
import sys
from dataclasses import asdict

from normlab.chapters.frameworks.examine import examine_framework, from_json, to_json
from normlab.chapters.frameworks.framework import FRAMEWORKS


def main(name: str) -> None:
    report, back = examine_framework(FRAMEWORKS[name], from_json(json.load(sys.stdin)))
    print()  # whatever a framework has printed ends here
    json.dump({"report": asdict(report), "weights": to_json(back)}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
