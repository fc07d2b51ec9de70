"""A transformer stack in NumPy, with its own backward pass: signal and gradient by depth."""

from normlab.stack.gradients import StackGradients, stack_gradients
from normlab.stack.profile import StackProfile, power_of_ten, stack_profile, stack_profiles
from normlab.stack.setting import INITS, STACK_NORMS, STACK_PLACEMENTS, StackSetting
from normlab.stack.weights import layer_weights, stack_input, upstream_gradient

__all__ = [
    "INITS",
    "STACK_NORMS",
    "STACK_PLACEMENTS",
    "StackGradients",
    "StackProfile",
    "StackSetting",
    "layer_weights",
    "power_of_ten",
    "stack_gradients",
    "stack_input",
    "stack_profile",
    "stack_profiles",
    "upstream_gradient",
]
