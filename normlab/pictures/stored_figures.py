"""Where notebooks are built: pictures are stored with what they show in words.

Programs that make pages of notebooks (nbconvert, the course's site) read it as the picture's `alt`.
"""

from typing import Any

from matplotlib.figure import Figure

from normlab.pictures.told import figure_in_words


def tell_figures() -> None:
    """From now on each figure that this IPython shows has its words beside it.

    Raises:
        RuntimeError: outside IPython.
    """
    from IPython.core.getipython import get_ipython

    shell: Any = get_ipython()
    if shell is None:
        raise RuntimeError("tell_figures() is for a kernel; there is no IPython here.")
    shell.run_line_magic("matplotlib", "inline")
    formatter = shell.display_formatter.formatters["image/png"]
    paint = formatter.for_type(Figure)

    def painted(figure: Figure) -> tuple[Any, dict[str, str]]:
        words = figure_in_words(figure)
        picture = paint(figure)
        data, metadata = picture if isinstance(picture, tuple) else (picture, {})
        return data, {**metadata, "alt": words}

    formatter.for_type(Figure, painted)
