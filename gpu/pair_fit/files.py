"""The pair fit as one job for a process: the bytes of two files in, the fit out."""

from gpu.pair_fit.fit import PairFit, fit_pair


def fit_files(files: tuple[bytes, bytes]) -> PairFit:
    """Fit an original and its target as ``fit_pair`` does, at a quarter of their size.

    Raises:
        PhotoRejected: Either photo is damaged or of a kind that is not accepted.
    """
    return fit_pair(*files)
