"""Chapter 02's Jacobian, made of a learner's backward pass."""

from normlab.chapters.backward.geometry import Backward, Spectra, jacobian_spectra
from normlab.chapters.backward.geometry_figures import describe_spectra, draw_spectra
from normlab.pictures import Use


def spectra_by(layer_norm_backward: Backward) -> Spectra:
    """The eigenvalues of the Jacobians; those of layer norm by this backward pass."""
    return jacobian_spectra(backward=layer_norm_backward)


USES = {
    ("layer_norm_backward",): Use(
        spectra_by,
        draw_spectra,
        describe_spectra,
    )
}
