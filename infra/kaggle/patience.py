"""How long what Kaggle refuses for the moment is asked again."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_before_delay, wait_exponential_jitter

from infra.kaggle.refusals import KaggleBusy

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds."""

    retry_s: float = 120.0
    """How long a request that may be repeated is."""
    first_pause_s: float = 2.0
    """It doubles, up to 30 s, with jitter; a pause that Kaggle asks for is longer if that is."""
    settle_s: float = 5.0
    """After which a push whose fate is unknown is looked for again."""
    confirm_s: float = 60.0
    """How long the end of a deleted kernel is waited for."""
    stream_s: float = 10.0
    """How long the log of a session that still runs is listened to."""

    def repeat_read(self, once: Callable[[], T]) -> T:
        """Repeat what changes nothing."""
        return self._repeated(once, lambda error: isinstance(error, KaggleBusy))

    def repeat_unsent(self, once: Callable[[], T]) -> T:
        """Repeat only while the request certainly was not carried out."""
        return self._repeated(once, lambda error: isinstance(error, KaggleBusy) and error.unsent)

    def _repeated(self, once: Callable[[], T], may: Callable[[BaseException], bool]) -> T:
        grows = wait_exponential_jitter(multiplier=self.first_pause_s, max=30.0, jitter=self.first_pause_s)

        def pause(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            told = error.retry_after_s if isinstance(error, KaggleBusy) else None
            return max(grows(state), told or 0.0)

        again = Retrying(
            retry=retry_if_exception(may), wait=pause, stop=stop_before_delay(self.retry_s), reraise=True
        )
        return again(once)
