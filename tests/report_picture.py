"""docs/report.png: the report of a small model with two mistakes, as `normlab inspect` writes it.

python tests/report_picture.py
"""

import io
import tempfile
from pathlib import Path

from jupyterlab_page import chromium
from PIL import Image

from normlab import cli

PICTURE = Path(__file__).parent.parent / "docs" / "report.png"
SIZE = {"width": 820, "height": 400}
MODEL = '''
import torch
from torch import nn


class Norm(nn.Module):
    """Layer norm with an unbiased σ, and ε outside the root."""

    def __init__(self, d):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(d)), nn.Parameter(torch.zeros(d))

    def forward(self, x):
        centred = x - x.mean(-1, keepdim=True)
        return self.weight * centred / (x.std(-1, keepdim=True) + 1e-6) + self.bias


class Block(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.norm1, self.norm2 = Norm(d), Norm(d)
        self.attention = nn.MultiheadAttention(d, 4, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d))

    def forward(self, x):
        n = self.norm1(x)
        x = x + self.attention(n, n, n)[0]
        return x + self.mlp(self.norm2(x))


class GPT(nn.Module):
    def __init__(self, layers=12, d=64, vocabulary=100):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, d)
        self.blocks = nn.ModuleList(Block(d) for _ in range(layers))
        self.final_norm = nn.LayerNorm(d)
        self.head = nn.Linear(d, vocabulary)

    def forward(self, ids):
        x = self.embed(ids)
        for block in self.blocks:
            x = block(x)
        return self.head(self.final_norm(x))
'''


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        model, report = Path(folder, "model.py"), Path(folder, "report.html")
        model.write_text(MODEL, encoding="utf-8")
        cli.main(["inspect", f"{model}:GPT", "--html", str(report)])
        page = browser.new_page(viewport=SIZE, device_scale_factor=1.5, color_scheme="light")
        page.goto(report.as_uri())
        wiring = page.locator("figure").first.bounding_box()
        clip = SIZE | {"x": 0, "y": 0, "height": wiring["y"] + wiring["height"]}
        shot = page.screenshot(full_page=True, clip=clip)
    Image.open(io.BytesIO(shot)).convert("RGB").quantize(64).save(PICTURE, optimize=True)
    print(f"the picture is {PICTURE}: {PICTURE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
