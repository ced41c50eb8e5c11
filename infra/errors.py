"""Tell what can go wrong in the outside world, one type per remedy.

Adapters translate whatever their library raises into this tree, in sentences that hold no secret and no URL
query. Whether trying again can help is a property of the type (``retryable``), so that no caller reads
messages. A caller's own mistake (a malformed key, a negative length) is a ``ValueError`` and not in the tree.

    AdapterError
    ├── StoreError                 the object store
    │   ├── ObjectMissing          no object under this key
    │   ├── ObjectExists           the key holds other content, and objects are never overwritten
    │   ├── VersionConflict        compare-and-swap lost: the object is not the version that was expected
    │   ├── RangeOutsideObject     the object is shorter than the bytes asked of it
    │   ├── DigestMismatch         the bytes are not the ones that were promised
    │   ├── PresignUnsupported     this kind of store has no URLs to hand out
    │   ├── StoreDenied            credentials or file permissions refuse
    │   ├── StoreFull              disk or quota exhausted
    │   ├── StoreNotConforming     the store lacks a guarantee that promotion rests on
    │   ├── RecordUnreadable       a rented machine's record is not what was written; a person has to look
    │   └── StoreUnavailable       not reachable or not now; retryable
    ├── RemoteError                a provider of rented machines
    │   ├── RemoteUnavailable      not reachable or not now; retryable
    │   ├── AtCapacity             no machine is free at this price now; retryable, here or elsewhere
    │   ├── BudgetExhausted        quota or money is used up until it is renewed
    │   ├── RemoteDenied           the provider does not accept these credentials
    │   ├── RemoteRefused          the provider refuses the request as it stands
    │   ├── RemoteAnswerInvalid    the provider answers in a shape that its protocol does not have
    │   ├── WatchTaken             another worker watches the job; retryable
    │   ├── CreateAmbiguous        a job was asked for and may or may not exist
    │   └── DestroyFailed          a job may still run and cost; the text tells how to end it by hand
    └── PortalError                the scoring portal, on either side of the wire
        ├── PortalUnavailable      not now; retryable
        │   ├── PortalUnreachable  no connection came about, so nothing was sent
        │   └── PortalReplyLost    the request may have arrived; no whole reply did
        ├── PortalDenied           the token is missing or wrong
        ├── PortalRefused          the portal refuses the request as it stands
        ├── PortalAnswerInvalid    the portal answers in a shape that its protocol does not have
        ├── UploadUrlRefused       the portal names an upload host that this machine does not allow
        ├── SubmissionInFlight     another run holds the artifact; retryable
        ├── SubmissionUnsettled    an attempt is under way, so there is nothing to resubmit
        ├── SubmissionAmbiguous    the score request was sent and nobody here knows what became of it
        ├── SubmissionFailed       the judge ended the job without scores
        ├── SubmissionLost         the portal knows no such job, though it accepted it
        ├── ScoringUnfinished      the job still ran when the time was up; retryable, resumes the same job
        ├── SubmissionZipRefused   the zip breaks a rule of the portal
        └── TargetSetUnusable      the folder that the portal was to score against cannot be
"""

from typing import ClassVar


class AdapterError(Exception):
    """An outside system did not do what was asked; the message says what to do about it."""

    retryable: ClassVar[bool] = False
    """Whether the same call, unchanged, may succeed later."""


class StoreError(AdapterError):
    """The object store refused or failed."""


class ObjectMissing(StoreError):
    """No object is stored under the key."""


class ObjectExists(StoreError):
    """The key is taken by different content."""


class VersionConflict(StoreError):
    """The object is not, or is no longer, the version that was expected."""


class RangeOutsideObject(StoreError):
    """The byte range reaches beyond the end of the object."""


class DigestMismatch(StoreError):
    """Bytes and promised SHA-256 disagree."""


class PresignUnsupported(StoreError):
    """The store cannot hand out URLs."""


class StoreDenied(StoreError):
    """The store refuses these credentials or this user."""


class StoreFull(StoreError):
    """No space or quota is left."""


class StoreNotConforming(StoreError):
    """The store does not keep a promise that the project rests on."""


class RecordUnreadable(StoreError):
    """What is on record of a rented machine is damaged or incomplete; the text says what to do by hand."""


class StoreUnavailable(StoreError):
    """The store cannot be reached or cannot answer at present."""

    retryable: ClassVar[bool] = True


class RemoteError(AdapterError):
    """A provider of rented machines refused, failed, or was set up wrongly."""


class RemoteUnavailable(RemoteError):
    """The provider cannot be reached or cannot answer at present."""

    retryable: ClassVar[bool] = True


class AtCapacity(RemoteError):
    """No machine is free at this price at present; another provider may have one."""

    retryable: ClassVar[bool] = True


class BudgetExhausted(RemoteError):
    """Quota, credit or the budget of the settings is used up; waiting a little does not help."""


class RemoteDenied(RemoteError):
    """The provider does not accept these credentials."""


class RemoteRefused(RemoteError):
    """The provider understood the request and refuses it."""


class RemoteAnswerInvalid(RemoteError):
    """The provider's answer is not one that its protocol has."""


class WatchTaken(RemoteError):
    """Another worker watches the job, and will end it."""

    retryable: ClassVar[bool] = True


class CreateAmbiguous(RemoteError):
    """A job was asked for and may or may not exist; what it is called tells when the provider is asked."""


class DestroyFailed(RemoteError):
    """The end of a job could not be confirmed: it may still run and cost."""


class PortalError(AdapterError):
    """The scoring portal refused, failed, or was set up wrongly."""


class PortalUnavailable(PortalError):
    """The portal cannot be reached or cannot answer at present."""

    retryable: ClassVar[bool] = True


class PortalUnreachable(PortalUnavailable):
    """No connection came about, so the portal has received nothing."""


class PortalReplyLost(PortalUnavailable):
    """The request may have arrived, but no whole reply came back."""


class PortalDenied(PortalError):
    """The portal does not accept this token."""


class PortalRefused(PortalError):
    """The portal understood the request and refuses it."""


class PortalAnswerInvalid(PortalError):
    """The portal's answer is not one that its protocol has."""


class UploadUrlRefused(PortalError):
    """The upload URL leads where nothing may be sent; nothing was."""


class SubmissionInFlight(PortalError):
    """Another run is submitting the same artifact."""

    retryable: ClassVar[bool] = True


class SubmissionUnsettled(PortalError):
    """The artifact's last attempt can simply be gone on with, so it is not to be sent again."""


class SubmissionAmbiguous(PortalError):
    """The score request was sent and may or may not have created a job; only a person can say."""


class SubmissionFailed(PortalError):
    """The judge ended the job without scores."""


class SubmissionLost(PortalError):
    """The portal accepted the job and knows nothing of it now; a person may have it sent again."""


class ScoringUnfinished(PortalError):
    """The job was still running when the time was up; the next call goes on waiting for it."""

    retryable: ClassVar[bool] = True


class SubmissionZipRefused(PortalError):
    """The zip is not a flat, stored zip of exactly the wanted photos."""


class TargetSetUnusable(PortalError):
    """The folder of originals and targets lacks files, or has changed since it was read."""
