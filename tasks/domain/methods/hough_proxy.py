"""Method ``hough_proxy``: of a few pairs, each photo takes the one that leaves the longest Hough segments.

Kept as a baseline: it scored 3.45, because no straightness can see how a photo was zoomed.
"""

from typing import Final

from gpu.search.per_photo import straightest
from tasks.domain.methods.per_photo import per_photo_method

METHOD: Final = per_photo_method(
    "hough_proxy",
    "Chooses among candidate pairs for each photo by the straightness of Hough segments.",
    variant="candidates",
    choose=straightest,
    by="bentness of Hough segments",
)
