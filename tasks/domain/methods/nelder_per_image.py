"""Method ``nelder_per_image``: for each photo a pair of its own, found by Nelder-Mead on line straightness.

Kept as a baseline: it scored 18.89. The candidates of its table are where the search starts.
"""

from typing import Final

from gpu.search.per_photo import straightened
from tasks.domain.methods.per_photo import per_photo_method

METHOD: Final = per_photo_method(
    "nelder_per_image",
    "Searches a pair for each photo by Nelder-Mead on the straightness of Hough segments.",
    variant="simplex",
    choose=straightened,
    by="bentness of Hough segments",
)
