"""The kernels, in Triton. These modules import it, so they are imported where one is launched."""
