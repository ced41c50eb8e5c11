"""The one statement of the coordinate conventions that every array room follows.

    pixel (column u, row v), first pixel centre at (0, 0), u to the right, v down
    a photo of W x H pixels has its centre at ((W - 1) / 2, (H - 1) / 2)
    arrays are indexed [v, u], that is (H, W) or (H, W, C)

    corrected photo (u, v)  --RadialMap-->  place in the original photo to read from

Maps always lead from the corrected photo to the original, because rendering asks each output pixel
where to read. Sizes are those of the pixels as stored; an orientation tag is never applied here.
The legacy methods put the centre at (W / 2, H / 2) instead; ``gpu.legacy`` says so and nothing else does.
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ImageSize:
    """Width and height of a photo in pixels as stored, both 1 or more."""

    width: int
    height: int

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise ValueError(f"a photo has at least 1x1 pixels, got {self.width}x{self.height}")

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"

    @property
    def short_side(self) -> int:
        """Length of the shorter side in pixels."""
        return min(self.width, self.height)

    @property
    def half_diagonal(self) -> float:
        """Half the diagonal in pixels: the unit in which radii of lens curves are given."""
        return math.hypot(self.width, self.height) / 2
