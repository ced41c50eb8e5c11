"""Kaggle's own API. Reads and deletes are tried again while their error says that this can help."""

import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from typing import Final, Literal

from kagglesdk.kaggle_object import KaggleObject
from kagglesdk.kernels.types import kernels_api_service as sdk
from kagglesdk.kernels.types.kernels_enums import KernelsListSortType, KernelsListViewType
from kagglesdk.security.types.oauth_service import IntrospectTokenRequest

from infra.errors import RemoteAnswerInvalid, RemoteDenied, RemoteRefused
from infra.kaggle.answers import (
    Members,
    OutputFile,
    Quota,
    SessionStatus,
    entries,
    member,
    next_page,
    read_members,
    read_page,
    read_quota,
    read_status,
)
from infra.kaggle.connection import KaggleAccess, KaggleHttp, TimeLimits
from infra.kaggle.kernel_log import log_text, stream_text
from infra.kaggle.notebooks import KernelRef, Push
from infra.kaggle.patience import Patience
from infra.kaggle.pushing import push_and_run
from infra.kaggle.refusals import KernelGone
from infra.kaggle.sources import stored_push, with_stored
from infra.web.remote_text import quoted

_KERNELS: Final = "kernels.KernelsApiService"
_PAGE: Final = 100
_FILES_PAGE: Final = 200
_MOST_PAGES: Final = 100
_REF: Final = re.compile(r"(?:.*/)?([^/]+)/([^/]+)")
_SESSION: Final = re.compile(r".*/download_zip/([0-9]{1,18})")


class KaggleApi:
    """One account at Kaggle, to be shared by threads."""

    name: Literal["api", "mcp"] = "api"

    def __init__(
        self, access: KaggleAccess, *, patience: Patience | None = None, limits: TimeLimits | None = None
    ) -> None:
        self.access = access
        self.patience = patience or Patience()
        self.http = KaggleHttp(access, limits or TimeLimits())

    @cached_property
    def owner(self) -> str:
        """The account's user name.

        Raises:
            RemoteDenied: Kaggle does not know the token.
        """
        if self.access.username:
            return self.access.username
        request = IntrospectTokenRequest()
        request.token = self.access.token.get_secret_value() if self.access.token else ""
        told = self._read("IntrospectToken", request, service="security.OAuthService")
        username = told.get("username")
        if not told.get("active") or not isinstance(username, str) or not username:
            raise RemoteDenied("Kaggle does not accept the token; check KAGGLE_API_TOKEN")
        return username

    def status(self, kernel: KernelRef) -> SessionStatus:
        """Ask how a session is.

        Raises:
            KernelGone: Kaggle has no such kernel.
        """
        request = _addressed(sdk.ApiGetKernelSessionStatusRequest(), kernel)
        return read_status(self._read("GetKernelSessionStatus", request))

    def run(self, kernel: KernelRef, push: Push | None, *, gpu: bool) -> KernelRef:
        """Start a session of the push, or once more of what the kernel holds; see ``push_and_run``.

        Raises:
            RemoteRefused: Nothing was pushed and nothing is stored, or a session of the kernel still runs.
        """
        stored = self._stored(kernel)
        if stored is not None:
            self._require_idle(kernel)
            again = with_stored(push, stored) if push else stored_push(stored, gpu=gpu)
            return self.push(kernel, again, is_new=False)
        if push is None:
            raise RemoteRefused(f"Kaggle has no kernel {kernel}; name a local notebook to push")
        return self.push(kernel, push, is_new=True)

    def push(self, kernel: KernelRef, push: Push, *, is_new: bool) -> KernelRef:
        """Push and run; see ``push_and_run``."""
        return push_and_run(
            kernel, push, is_new=is_new, http=self.http, patience=self.patience, delete=self.delete
        )

    def output(self, kernel: KernelRef) -> tuple[list[OutputFile], str]:
        """List the files that a session left, and give its log; neither exists before its end.

        Raises:
            KernelGone: Kaggle has no such kernel.
            BadRequest: Kaggle has no output of it.
        """
        request = _addressed(sdk.ApiListKernelSessionOutputRequest(), kernel)
        request.page_size = _FILES_PAGE
        files: list[OutputFile] = []
        log = ""
        for told in self._pages("ListKernelSessionOutput", request):
            page, kept, _ = read_page(told)
            files.extend(page)
            log = log or kept
        return files, log_text(log)

    def log_so_far(self, kernel: KernelRef) -> str:
        """Listen for a while to what a session prints, from its beginning; empty where Kaggle has nothing."""
        query = {"versionLabel": kernel.label} if kernel.label else {}
        path = f"kernels/logs/stream/{kernel.owner}/{kernel.slug}"
        answer = self.http.listen(path, query, for_s=self.patience.stream_s)
        return stream_text(answer.body) if answer.status == 200 else ""

    def session_id(self, kernel: KernelRef) -> int | None:
        """Learn the number of a kernel's session; None where Kaggle does not say."""
        query = {"versionNumber": str(kernel.version)} if kernel.version else {}
        answer = self.http.get(f"kernels/output/download/{kernel.owner}/{kernel.slug}", query)
        match = _SESSION.fullmatch(answer.headers.get("Location", ""))
        return int(match[1]) if match else None

    def cancel(self, session_id: int) -> None:
        """Ask for the end of a session.

        Raises:
            RemoteRefused: Kaggle says why not.
        """
        request = sdk.ApiCancelKernelSessionRequest()
        request.kernel_session_id = session_id
        _require_done(self._read("CancelKernelSession", request))

    def delete(self, kernel: KernelRef) -> bool:
        """Delete a kernel with its sessions and their output; False where there is none."""
        request = sdk.ApiDeleteKernelRequest()
        request.user_name, request.kernel_slug = kernel.owner, kernel.slug
        with suppress(KernelGone):
            _require_done(self._read("DeleteKernel", request))
            return True
        return False

    def kernels(self) -> Iterator[KernelRef]:
        """Every kernel of this account, at its newest version."""
        request = sdk.ApiListKernelsRequest()
        request.group, request.sort_by = KernelsListViewType.PROFILE, KernelsListSortType.DATE_RUN
        request.user, request.page_size = self.owner, _PAGE
        for told in self._pages("ListKernels", request):
            for entry in entries(told, "kernels"):
                match = _REF.fullmatch(str(entry.get("ref", "")))
                version = entry.get("currentVersionNumber")
                if match and match[1] == self.owner:
                    with suppress(ValueError):  # a name that we never give
                        yield KernelRef(match[1], match[2], version if isinstance(version, int) else None)

    def quota(self) -> Quota | None:
        """Ask for the week's GPU time; None where Kaggle tells none."""
        request = sdk.ApiGetAcceleratorQuotaStatisticsRequest()
        return read_quota(self._read("GetAcceleratorQuotaStatistics", request))

    def _stored(self, kernel: KernelRef) -> Members | None:
        try:
            return self._read("GetKernel", _addressed(sdk.ApiGetKernelRequest(), kernel))
        except KernelGone:
            return None

    def _require_idle(self, kernel: KernelRef) -> None:
        """A second session would run beside the first, and both burn the quota."""
        if self.status(kernel).state == "running":
            raise RemoteRefused(f"a session of {kernel} runs; wait for its end, or delete the kernel")

    def _pages(self, method: str, request: KaggleObject) -> Iterator[Members]:
        for _ in range(_MOST_PAGES):
            told = self._read(method, request)
            yield told
            if not (following := next_page(told)):
                return
            request.page_token = following
        raise RemoteAnswerInvalid(f"{method} of Kaggle has more than {_MOST_PAGES} pages")

    def _read(self, method: str, request: KaggleObject, *, service: str = _KERNELS) -> Members:
        return self.patience.repeat_read(lambda: read_members(self.http.ask(service, method, request)))


def _addressed(request: KaggleObject, kernel: KernelRef) -> KaggleObject:
    request.user_name, request.kernel_slug, request.version_label = kernel.owner, kernel.slug, kernel.label
    return request


def _require_done(told: Members) -> None:
    if message := member(told, "errorMessage"):
        raise RemoteRefused(f"Kaggle refuses: {quoted(message)}")
