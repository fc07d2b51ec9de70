from .drawn_wiring import diagram as diagram
from .layer_calls import randomize_ as randomize_
from .layer_calls import record_calls as record_calls
from .norm_reading import NormReading as NormReading
from .norm_reading import read_norm as read_norm
from .wiring_reading import LayerWiring as LayerWiring
from .wiring_reading import read_wiring as read_wiring
