"""Files of the site that are named by what they hold, so that the same thing is kept once."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
VENDOR = HERE / "vendor"


class Assets:
    """The folder `_static` of the site's sources.

    Args:
        static: the folder; it is made anew.
    """

    def __init__(self, static: Path) -> None:
        self.static = static
        shutil.rmtree(static, ignore_errors=True)
        for file in [*HERE.glob("*.js"), *HERE.glob("*.css")]:
            self.copy(file, f"course/{file.name}")
        shutil.copytree(VENDOR / "mathjax", static / "course" / "mathjax")

    def put(self, kind: str, content: bytes, ending: str) -> str:
        """Keep a file of a kind ("figures"); return its path below `_static`."""
        name = f"course/{kind}/{hashlib.sha256(content).hexdigest()[:16]}.{ending}"
        target = self.static / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        return name

    def put_text(self, kind: str, text: str, ending: str) -> str:
        """Keep a text, as `put` keeps a file."""
        return self.put(kind, text.encode(), ending)

    def put_json(self, kind: str, value: Any) -> str:
        """Keep a value as JSON, as `put` keeps a file."""
        return self.put_text(kind, compact(value), "json")

    def put_as(self, name: str, text: str) -> None:
        """Keep a text under a path below `_static`."""
        target = self.static / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def copy(self, source: Path, name: str) -> None:
        """Keep a copy of a file under a path below `_static`."""
        target = self.static / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def compact(value: Any) -> str:
    """JSON without blanks between its parts.

    >>> compact({"a": [1, "ε"]})
    '{"a":[1,"ε"]}'
    """
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
