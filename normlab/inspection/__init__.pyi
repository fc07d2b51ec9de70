from .drawn_wiring import diagram as diagram
from .layer_calls import randomize_ as randomize_
from .layer_calls import record_calls as record_calls
from .read_norm import NormReading as NormReading
from .read_norm import read_norm as read_norm
from .read_wiring import LayerWiring as LayerWiring
from .read_wiring import read_wiring as read_wiring
