"""The verdict on a photo that is refused: a word for machines and a sentence for people.

    ValueError
      PhotoRejected   the bytes of one photo cannot be rendered faithfully; the other photos can

Nothing here decides what is refused; ``header`` and ``codec`` do.
"""

from typing import Literal

RejectionCode = Literal[
    "empty",
    "not_a_jpeg",
    "truncated",
    "damaged",
    "too_large",
    "too_small",
    "implausible_size",
    "scan_bomb",
    "segment_bomb",
    "cmyk",
    "components",
    "subsampling",
    "twelve_bit",
    "arithmetic",
    "lossless",
    "hierarchical",
    "unknown_height",
    "unequal_sizes",
    "wrong_output",
]


class PhotoRejected(ValueError):
    """One photo is refused; ``code`` groups verdicts, ``str()`` is the sentence to show.

    Both travel through ``pickle``, so that a worker process can raise it.
    """

    def __init__(self, code: RejectionCode, sentence: str) -> None:
        super().__init__(code, sentence)
        self.code: RejectionCode = code
        self.sentence = sentence

    def __str__(self) -> str:
        return self.sentence


def damaged(finding: str) -> PhotoRejected:
    """Return the verdict on a photo whose bytes are not those that a camera or editor wrote.

    Args:
        finding: What was expected, what was found and where, without a full stop.
    """
    return PhotoRejected("damaged", f"{finding}; restore the photo from its source")
