# %% [markdown]
# # 00 · Start here

# %%
from normlab.widgets.forward import explore_moved_token

explore_moved_token()
