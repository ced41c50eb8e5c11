"""Keep the durable record of an artifact's way through one judge: the only memory that survives a crash.

    flights/<judge>/<behaviour digest>/
        lease.json                        who is at work; swapped, all else is create-only
        attempts/001/intent.json          an attempt begins; from the second on it says who wanted it and why
        attempts/001/uploads/00.json      the portal has the zip, under this key; 00: before any score request
        attempts/001/posts/01/sent.json   written before a score request leaves
        attempts/001/posts/01/declined.json  it certainly created no job; after a refusal for good, not a
                                          passing one, the zip is uploaded anew: the key may be the reason
        attempts/001/posts/01/unclear.json   what went wrong where nobody knows
        attempts/001/accepted.json        the job's request id
        attempts/001/failed.json          the judge ended the job without scores
        attempts/001/lost.json            the portal knew nothing of the job when it was asked
        attempts/001/scored.json          CSV, summary, judge and digests, in one object: all or nothing

A request that was sent, and neither declined nor accepted, is ambiguous: that is what a crash leaves, and
only an explicit new attempt leads on. ``sent.json`` carries a nonce, so of two runs that both believe to hold
the lease one may send and the other is told. Nothing is ever deleted or rewritten.
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from infra.errors import ObjectExists, ObjectMissing, StoreError, SubmissionInFlight
from infra.store.interface import ObjectStore
from infra.strict_json import parse_object

_ATTEMPT_DIGITS = 3
_MOST_POSTS = 99


def flight_key(judge: str, behaviour_digest: str) -> str:
    """Key that everything about one artifact at one judge lies under."""
    return f"flights/{judge}/{behaviour_digest}"


@dataclass(frozen=True)
class Flight:
    """The record of one artifact at one judge."""

    store: ObjectStore
    key: str

    @property
    def lease_key(self) -> str:
        """Key of the lease."""
        return f"{self.key}/lease.json"

    def attempts(self) -> tuple["Attempt", ...]:
        """All attempts, oldest first."""
        top = f"{self.key}/attempts/"
        numbers = {found.key.removeprefix(top).partition("/")[0] for found in self.store.list(top)}
        return tuple(Attempt(self.store, f"{top}{number}") for number in sorted(numbers))

    def begin(self, intent: Mapping[str, object]) -> "Attempt":
        """Begin the next attempt.

        Raises:
            SubmissionInFlight: Another run began it at the same moment.
        """
        number = len(self.attempts()) + 1
        attempt = Attempt(self.store, f"{self.key}/attempts/{number:0{_ATTEMPT_DIGITS}}")
        attempt.claim("intent.json", intent)
        return attempt


@dataclass(frozen=True)
class Attempt:
    """One way from intent to scores, with at most one job."""

    store: ObjectStore
    key: str

    @property
    def number(self) -> str:
        """As in the key: ``001``."""
        return self.key.rpartition("/")[2]

    def claim(self, name: str, members: Mapping[str, object]) -> None:
        """Record a step that only one run may take.

        Raises:
            SubmissionInFlight: Another run has taken it.
        """
        body = {**members, "nonce": uuid.uuid4().hex}
        try:
            self.store.create(f"{self.key}/{name}", _json(body))
        except ObjectExists as error:
            raise SubmissionInFlight(
                f"another run wrote {f'{self.key}/{name}'!r} first; run again later to get its result"
            ) from error

    def note(self, name: str, members: Mapping[str, object]) -> None:
        """Record a fact; the same fact again is no error."""
        self.store.create(f"{self.key}/{name}", _json(members))

    def find(self, name: str) -> dict[str, object] | None:
        """Return a step's record, None if the step was not taken.

        Raises:
            StoreError: It is there and not readable.
        """
        try:
            return parse_object(self.store.read(f"{self.key}/{name}"))
        except ObjectMissing:
            return None
        except ValueError as error:
            raise StoreError(f"{f'{self.key}/{name}'!r} is not the record it was: {error}") from error

    def text(self, name: str, member: str) -> str | None:
        """Return one text of a step's record, None if the step was not taken."""
        record = self.find(name)
        if record is None:
            return None
        found = record.get(member)
        if not isinstance(found, str):
            raise StoreError(f"{f'{self.key}/{name}'!r} lacks the text {member!r}")
        return found

    def posts(self) -> int:
        """How many score requests were about to leave."""
        top = f"{self.key}/posts/"
        return len({found.key.removeprefix(top).partition("/")[0] for found in self.store.list(top)})

    def uploaded_key(self) -> str | None:
        """Return the portal's key of the zip, None if the zip is to be uploaded, or uploaded anew."""
        uploads = [found.key for found in self.store.list(f"{self.key}/uploads/")]
        if not uploads:
            return None
        newest = uploads[-1].removeprefix(f"{self.key}/")
        posts = self.posts()
        declined = self.find(declined_name(posts)) if newest != upload_name(posts) else None
        return None if declined and declined.get("for_good") else self.text(newest, "s3_key")

    def is_declined(self, post: int) -> bool:
        """Tell whether that request certainly created no job."""
        return self.store.head(f"{self.key}/{declined_name(post)}") is not None

    def is_ambiguous(self) -> bool:
        """Tell whether a request left of which nobody knows what became."""
        posts = self.posts()
        return posts > 0 and not self.is_declined(posts) and self.find("accepted.json") is None

    def next_post(self) -> int:
        """Number of the next score request.

        Raises:
            SubmissionInFlight: Another run has sent one meanwhile.
            StoreError: There were too many.
        """
        posts = self.posts()
        if posts and not self.is_declined(posts):
            raise SubmissionInFlight(f"another run sent score request {posts} of {self.key!r} meanwhile")
        if (number := posts + 1) > _MOST_POSTS:
            raise StoreError(f"{self.key!r} holds {_MOST_POSTS} score requests; resubmit explicitly")
        return number

    def keep(self, name: str, members: Mapping[str, object]) -> dict[str, object]:
        """Record an end and return what is recorded: the first, should a portal tell two stories."""
        body = _json(members)
        try:
            self.store.create(f"{self.key}/{name}", body)
        except ObjectExists:
            return self.find(name) or {}
        return parse_object(body)


def upload_name(posts: int) -> str:
    """Name of the record of an upload that was made after so many score requests."""
    return f"uploads/{posts:02}.json"


def sent_name(post: int) -> str:
    """Name of the record that a score request is about to leave."""
    return f"posts/{post:02}/sent.json"


def unclear_name(post: int) -> str:
    """Name of the record of what went wrong with a score request whose fate is unknown."""
    return f"posts/{post:02}/unclear.json"


def declined_name(post: int) -> str:
    """Name of the record that a score request created no job."""
    return f"posts/{post:02}/declined.json"


def _json(members: Mapping[str, object]) -> bytes:
    return json.dumps(members, indent=1, sort_keys=True).encode()
