"""The formulas in float64, as short as they can be: what every implementation is held to."""

import numpy as np


def layer_norm(x, gamma=1.0, beta=0.0, eps=1e-5):
    x = np.asarray(x, np.float64)
    centered = x - x.mean(-1, keepdims=True)
    return gamma * centered / np.sqrt((centered**2).mean(-1, keepdims=True) + eps) + beta


def rms_norm(x, gamma=1.0, eps=1e-6):
    x = np.asarray(x, np.float64)
    return gamma * x / np.sqrt((x**2).mean(-1, keepdims=True) + eps)


def batch_norm(x, gamma=1.0, beta=0.0, eps=1e-5):
    rows = np.asarray(x, np.float64).reshape(-1, np.shape(x)[-1])
    out = gamma * (rows - rows.mean(0)) / np.sqrt(rows.var(0) + eps) + beta
    return out.reshape(np.shape(x))


def central_difference(f, x, dy, h=1e-6):
    """∂⟨dy, f(x)⟩/∂x by central differences, one entry at a time."""
    x = np.array(x, np.float64)
    gradient = np.empty_like(x)
    for place in np.ndindex(x.shape):
        kept = x[place]
        x[place] = kept + h
        above = (dy * f(x)).sum()
        x[place] = kept - h
        below = (dy * f(x)).sum()
        x[place] = kept
        gradient[place] = (above - below) / (2 * h)
    return gradient
