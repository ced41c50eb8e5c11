"""Push, and leave nothing unknown behind.

A push is sent again only where it certainly was not carried out. One whose fate is unknown, or that Kaggle
took with complaints, is deleted under its slug, for a second session would burn the quota beside the first.
"""

import re
import time
from collections.abc import Callable
from typing import Final

from kagglesdk.kernels.types.kernels_api_service import ApiSaveKernelRequest

from infra.errors import CreateAmbiguous, RemoteDenied, RemoteError, RemoteRefused
from infra.kaggle.answers import Members, member, read_members
from infra.kaggle.connection import KaggleHttp
from infra.kaggle.notebooks import KernelRef, Push
from infra.kaggle.patience import Patience
from infra.kaggle.refusals import KaggleBusy, KernelGone, push_refusal
from infra.kaggle.sources import save_members
from infra.web.remote_text import quoted

_KERNELS: Final = "kernels.KernelsApiService"
_REF: Final = re.compile(r"(?:.*/)?([^/]+)/([^/]+)")


Delete = Callable[[KernelRef], bool]
"""Deletes a kernel; False where there is none."""


def push_and_run(
    kernel: KernelRef, push: Push, *, is_new: bool, http: KaggleHttp, patience: Patience, delete: Delete
) -> KernelRef:
    """Push, run, and return the version that runs.

    Where ``is_new``, no kernel had this slug before: whatever has it now is of this push, and is deleted
    where the push goes wrong.

    Raises:
        AtCapacity: All slots are taken.
        BudgetExhausted: The week's quota is used up.
        RemoteRefused: Kaggle refuses the push.
        CreateAmbiguous: It may run: its fate is unknown, or it was not or could not be deleted.
        RemoteUnavailable: It was not sent; try again.
    """
    request = ApiSaveKernelRequest.from_dict(save_members(kernel, push))
    try:
        told = patience.repeat_unsent(lambda: read_members(http.ask(_KERNELS, "SaveKernel", request)))
        return started(kernel, told)
    except KernelGone as error:
        raise RemoteDenied(f"these credentials may not push {kernel}: {error}") from error
    except KaggleBusy as error:
        if error.unsent:
            raise
        # Never again under this slug: a push that still arrives would start a second session beside it.
        lost = CreateAmbiguous(f"the push to {kernel} was lost ({error}), and what was left of it deleted")
        raise _undone(kernel, lost, is_new=is_new, patience=patience, delete=delete) from error
    except TakenWithComplaints as error:
        refusal = RemoteRefused(str(error))
        raise _undone(kernel, refusal, is_new=is_new, patience=patience, delete=delete) from error


class TakenWithComplaints(RemoteRefused):
    """Kaggle complains about a push that it may have begun to run."""


def started(kernel: KernelRef, told: Members) -> KernelRef:
    """Read the answer to a push, which refuses with status 200 too."""
    complaints = [
        f"{name}: {quoted(found)}"
        for name, found in sorted(told.items())
        if name.startswith("invalid") and found
    ]
    error = told.get("error")
    if error and not member(told, "kernelId"):
        raise push_refusal("; ".join([str(error), *complaints]))
    if error or complaints:
        raise TakenWithComplaints(f"Kaggle refuses the push: {quoted(error or '')} {'; '.join(complaints)}")
    match, version = _REF.fullmatch(str(told.get("ref", ""))), member(told, "versionNumber")
    if match is None or match[2] != kernel.slug or not isinstance(version, int) or version < 1:
        raise CreateAmbiguous(
            f"{kernel} was pushed, and Kaggle calls it {quoted(told.get('ref'))}, version {quoted(version)};"
            " look that up at Kaggle and delete it there"
        )
    return KernelRef(kernel.owner, kernel.slug, version)


def _undone(
    kernel: KernelRef, error: RemoteError, *, is_new: bool, patience: Patience, delete: Delete
) -> RemoteError:
    """Delete what a push may have left; give the error to raise."""
    advice = f"look at {kernel}; `{by_hand(kernel)}` ends it"
    if not is_new:
        return CreateAmbiguous(f"a session of {kernel} may or may not run ({error}); {advice}")
    try:
        if not delete(kernel):
            time.sleep(patience.settle_s)  # the push may have been on its way still
            delete(kernel)
    except RemoteError as failure:
        return CreateAmbiguous(f"a session of {kernel} may or may not run ({error}; {failure}); {advice}")
    return error


def by_hand(kernel: KernelRef) -> str:
    """The command that ends a kernel."""
    return f"calibguard kaggle delete --owner {kernel.owner} --slug {kernel.slug}"
