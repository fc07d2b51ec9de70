"""Pictures of sums in half precision."""

from matplotlib.axes import Axes

from normlab.accumulation import ROUNDING, RepeatedSums
from normlab.pictures.style import GREY, ORANGE, RED
from normlab.tools.table import Table

_LOOKS = {"float32": (GREY, "-"), "float16": (ORANGE, "--"), "bfloat16": (RED, "-.")}


def draw_repeated_sums(data: dict[int, RepeatedSums], ax: Axes, /, term: float, block: int) -> None:
    """Each accumulator's sum, in terms, against the number of terms added."""
    sums = data[block]
    for dtype, (color, dash) in _LOOKS.items():
        terms_counted = sums.of(dtype, term) / ROUNDING[dtype](term)
        ax.plot(sums.counts, terms_counted, dash, color=color, label=dtype)
    ax.set(title=f"{order_name(block)}, terms of {term:g}", xlim=(0, 8500), ylim=(0, 9500))
    ax.set(xlabel="terms added", ylabel="sum ÷ term")
    ax.legend(title="accumulator", loc="upper left")


def describe_repeated_sums(
    data: dict[int, RepeatedSums], /, term: float, block: int
) -> tuple[str, Table]:
    sums = data[block]
    rows = []
    for dtype in _LOOKS:
        state = "no longer grows" if sums.stalled(dtype, term) else "still grows"
        counted = f"{sums.counted(dtype, term):,.0f}"
        rows.append([dtype, f"{sums.of(dtype, term)[-1]:.5g}", counted, state])
    listed = "; ".join(f"{d} holds {total}, worth {n} terms, and {s}" for d, total, n, s in rows)
    sentence = (
        f"{order_name(block).capitalize()}, {sums.counts[-1]:,.0f} terms of {term:g}: {listed}."
    )
    return sentence, Table(("accumulator", "last sum", "terms it is worth", "at the end"), rows)


def order_name(block: int) -> str:
    """How the terms are added: `block` of them to a partial sum."""
    return "one running sum" if block == 1 else f"partial sums of {block}"
