"""LayerNorm and RMSNorm in other libraries: what they are called, their defaults, their errors.

`compare` holds what the chapter shows. A framework's own process imports `worker` and with it
neither torch nor another framework, unless it is the one that is examined.
"""
