"""The algebra that evidence of lines is pooled with: quadratic log likelihoods and Gaussian mixtures.

    log L(theta) = constant + linear theta - theta information theta / 2

Forms add up where they speak of one theta. Where what they speak of strays from it by N(0, V), V is
integrated out; with ``G = (I + H V)^-1``, H the information and h the linear part,

    information' = G H,   linear' = G h,   constant' = constant + h V G h / 2 - log |I + H V| / 2

A mixture absorbs a form component by component, ``A = C^-1 + H``, ``b = C^-1 m + h``:

    mean = A^-1 b,   covariance = A^-1,
    log evidence = log w + constant + (b A^-1 b - m C^-1 m + log |C^-1| - log |A|) / 2
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Quadratic:
    """A log likelihood of theta, or a stack of them.

    Attributes:
        constant: (...).
        linear: (..., 3).
        information: (..., 3, 3), positive semidefinite.
    """

    constant: Array
    linear: Array
    information: Array

    def __add__(self, other: "Quadratic") -> "Quadratic":
        return Quadratic(
            self.constant + other.constant,
            self.linear + other.linear,
            self.information + other.information,
        )

    def __truediv__(self, square: float) -> "Quadratic":
        """Count it for less: as if all its standard deviations were ``square ** 0.5`` times as large."""
        return Quadratic(self.constant / square, self.linear / square, self.information / square)

    def moved(self, by: Array) -> "Quadratic":
        """Speak of what the form's theta exceeds by this much, (3,)."""
        pull = self.information @ by
        return Quadratic(
            np.asarray(self.constant + self.linear @ by - 0.5 * pull @ by),
            self.linear - pull,
            self.information,
        )

    def strayed(self, covariance: Array) -> "Quadratic":
        """Speak of what the form's theta strays from by this covariance."""
        mixed = np.eye(3) + self.information @ covariance
        information = np.linalg.solve(mixed, self.information)
        linear = np.linalg.solve(mixed, self.linear[..., None])[..., 0]
        reach = np.einsum("...i,ij,...j->...", self.linear, covariance, linear)
        constant = self.constant + 0.5 * (reach - np.linalg.slogdet(mixed)[1])
        return Quadratic(np.asarray(constant), np.asarray(linear), np.asarray(information))


NOTHING = Quadratic(np.zeros(()), np.zeros(3), np.zeros((3, 3)))


def expanded(log: float, gradient: Array, information: Array, at: Array) -> Quadratic:
    """Write a log likelihood from its value and derivatives at one theta."""
    linear = gradient + information @ at
    return Quadratic(np.asarray(log - gradient @ at - 0.5 * at @ information @ at), linear, information)


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """A Gaussian mixture over theta; weights (K,), means (K, 3), covariances (K, 3, 3)."""

    weights: Array
    means: Array
    covariances: Array

    def strayed(self, covariance: Array) -> "Mixture":
        """Add to every component what theta strays by."""
        return Mixture(self.weights, self.means, self.covariances + covariance)

    def absorb(self, form: Quadratic) -> tuple["Mixture", Array]:
        """Give the mixture after a form and the form's log evidence; a stack of forms gives stacks."""
        precision = np.linalg.inv(self.covariances)
        pull = np.einsum("kij,kj->ki", precision, self.means)
        a = precision + form.information[..., None, :, :]
        b = pull + form.linear[..., None, :]
        means = np.linalg.solve(a, b[..., None])[..., 0]
        with np.errstate(divide="ignore"):
            logs = np.log(self.weights) + 0.5 * (
                (b * means).sum(-1)
                - (pull * self.means).sum(-1)
                + np.linalg.slogdet(precision)[1]
                - np.linalg.slogdet(a)[1]
            )
        logs = logs + form.constant[..., None]
        top = logs.max(axis=-1, keepdims=True)
        shares = np.exp(logs - top)
        total = shares.sum(axis=-1, keepdims=True)
        evidence = (top + np.log(total))[..., 0]
        return Mixture(shares / total, means, np.asarray(np.linalg.inv(a))), np.asarray(evidence)

    @property
    def mean(self) -> Array:
        """(3,) of the whole."""
        return np.asarray(self.weights @ self.means)

    def spread_about(self, theta: Array) -> Array:
        """Give (3, 3), the mean square of what lies between this theta and the mixture's."""
        apart = self.means - theta
        within = np.einsum("k,kij->ij", self.weights, self.covariances)
        return np.asarray(within + np.einsum("k,ki,kj->ij", self.weights, apart, apart))

    def mean_squares(self, theta: Array, metric: Array) -> Array:
        """Give (K,), under each component the mean square by a metric (3, 3) of what lies between."""
        apart = self.means - theta
        within = np.einsum("ij,kji->k", metric, self.covariances)
        return np.asarray(within + np.einsum("ki,ij,kj->k", apart, metric, apart))

    def log_density(self, theta: Array) -> float:
        """Give the log density at one theta, but for the constant of three dimensions."""
        return float(np.logaddexp.reduce(self._log_densities(theta)))

    def memberships(self, theta: Array) -> Array:
        """Give (K,) the probability of each component for one theta."""
        logs = self._log_densities(theta)
        return np.asarray(np.exp(logs - np.logaddexp.reduce(logs)))

    def _log_densities(self, theta: Array) -> Array:
        apart = theta - self.means
        squares = np.einsum("ki,ki->k", apart, np.linalg.solve(self.covariances, apart[..., None])[..., 0])
        with np.errstate(divide="ignore"):
            logs = np.log(self.weights)
        return np.asarray(logs - 0.5 * (squares + np.linalg.slogdet(self.covariances)[1]))
