"""End a deployment and know that it has ended.

An answer to the request proves nothing: the state is read afterwards, and as long as it says ``active`` the
end is asked for again.
"""

from infra.akash.asking import insist
from infra.akash.console import Console
from infra.akash.refusals import DeploymentUnknown
from infra.errors import DestroyFailed, RemoteAnswerInvalid, RemoteError, RemoteRefused, RemoteUnavailable


class _StillActive(RemoteUnavailable):
    """The deployment was told to end and has not."""


def end(dseq: str, console: Console, *, name: str) -> None:
    """End a deployment; one that is over or unknown is success.

    Raises:
        DestroyFailed: It could not be confirmed, whatever the reason; the text says how to do it by hand.
    """
    try:
        insist(
            lambda: _end_once(dseq, console),
            on=(RemoteUnavailable, RemoteRefused, RemoteAnswerInvalid),
            for_s=console.patience.destroy_s,
            patience=console.patience,
        )
    except RemoteError as error:
        raise DestroyFailed(
            f"deployment {dseq} ({name}) may still run and cost: {error}; end it with"
            f" {by_hand(dseq, console)}"
        ) from error


def by_hand(dseq: str, console: Console) -> str:
    """Return the commands that end a deployment without us."""
    url = f"{console.connection.address.below(f'v1/deployments/{dseq}')}"
    return f'`calibguard akash down {dseq}`, or `curl -X DELETE -H "x-api-key: $AKASH_API_KEY" {url}`'


def _end_once(dseq: str, console: Console) -> None:
    try:
        console.close(dseq)
        state = console.deployment(dseq).deployment.state
    except DeploymentUnknown:
        return
    if state != "closed":
        raise _StillActive(f"Akash says of it {state!r}")
