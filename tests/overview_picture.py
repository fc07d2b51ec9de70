"""docs/overview.png: the overview of a small class, as `normlab grade` writes it.

python tests/overview_picture.py
"""

import tempfile
from pathlib import Path

from jupyterlab_page import chromium
from submissions import ROOT, grade, mark_of, solved

PICTURE = ROOT / "docs" / "overview.png"
SIZE = {"width": 820, "height": 980}
EXERCISES = ("01_layer_norm", "03_rms_norm", "05_gradient_flow")
NAMES = ["ada", "bob", "chen", "dora", "emil", "fatima", "george", "hana", "ivan", "julia"]
LEFT_OUT = {"hana": {"loglog_slope"}, "julia": {"rms_norm", "rms_norm_backward", "RMSNorm"}}
CHANGES = {
    "bob": {"self.weight = nn.Parameter(torch.ones": "self.weight = nn.Parameter(torch.zeros"},
    "chen": {"(u - normalized * mean_ux) / rms": "u / rms"},
    "dora": {"np.polyfit(np.log(depths), np.log(values), 1)": "np.polyfit(depths, values, 1)"},
    "emil": {"np.sqrt(variance + eps)": "(np.sqrt(variance) + eps)", "+ eps)": ")"},
    "fatima": {"np.sqrt(variance + eps)": "(np.sqrt(variance) + eps)", "axis=-1": "axis=0"},
    "george": {"- mean": "+ mean"},
    "ivan": {"(gamma * normalized).astype(x.dtype)": "normalized.astype(x.dtype)"},
}
"""Student -> words of the solutions -> other words."""
BY_HAND = '[george]\nlayer_norm = { points = 2, comment = "The idea is right." }\n'


def hand_in(root: Path, student: str) -> None:
    def edit(cells):
        for cell in cells:
            source = "".join(cell["source"])
            if mark_of(cell) in LEFT_OUT.get(student, ()):
                cell["source"] = f"def {mark_of(cell)}(*given):\n    raise NotImplementedError"
            elif cell["cell_type"] == "code" and mark_of(cell):
                for old, new in CHANGES.get(student, {}).items():
                    source = source.replace(old, new)
                cell["source"] = source
        return cells

    (root / student).mkdir(parents=True)
    for name in EXERCISES:
        (root / student / f"{name}.ipynb").write_bytes(solved(name, edit).content)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        root, out = Path(folder, "class"), Path(folder, "results")
        for student in NAMES:
            hand_in(root, student)
        out.mkdir()
        (out / "overrides.toml").write_text(BY_HAND, encoding="utf-8")
        grade(root, out)
        page = browser.new_page(viewport=SIZE)
        page.goto((out / "overview.html").as_uri())
        page.screenshot(path=PICTURE)
    print(f"the picture is {PICTURE}")


if __name__ == "__main__":
    main()
