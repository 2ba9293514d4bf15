"""The inference function.

Garbage is not collected until its handler is ready: what imports make stays, and to look through it again and again
takes 4 % of a start.
"""

import gc

gc.disable()
