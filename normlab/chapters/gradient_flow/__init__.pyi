from .explorers import explore_gradient_flow as explore_gradient_flow
from .figures import draw_flow as draw_flow
from .flows import StackFlows as StackFlows
