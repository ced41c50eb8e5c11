"""The fake Kaggle as a whole: what it knows, and which call leads where."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.fake_kaggle import mcp
from tests.fake_kaggle.faults import Fault
from tests.fake_kaggle.files import Competition, SignedUrls, require_folder, session_output
from tests.fake_kaggle.journal import Asked
from tests.fake_kaggle.kernels import Kernels, Members
from tests.fake_kaggle.session import Session
from tests.scripted import FaultScript, Journal

TOKEN = "KGAT_fake-token"  # noqa: S105  opens nothing but the fake
USERNAME, KEY = "owner", "fake-key"


@dataclass
class FakeKaggle:
    """A Kaggle of this test alone.

    Attributes:
        url: Base URL; RPC methods are found below both ``/v1`` and ``/api/v1``, MCP at ``/mcp``.
        faults: Script of misbehaviour; ``faults.add(...)`` goes on telling it.
        tells_md5: Of the files; a store tells none of those that were composed of parts.
        tells_version: Of the files, as ``ETag``.
    """

    kernels: Kernels
    faults: FaultScript[Fault]
    competition: Competition | None = None
    url: str = ""
    tells_md5: bool = True
    tells_version: bool = True
    journal: Journal[Asked] = field(default_factory=lambda: Journal(lambda asked: asked.method))
    urls: SignedUrls = field(default_factory=SignedUrls)

    @property
    def mcp_url(self) -> str:
        return f"{self.url}/mcp"

    def kernels_alive(self) -> list[str]:
        """Slugs of the kernels that run or wait, and so cost; one twice where two sessions of it do."""
        return sorted(one.order.slug for one in self.kernels.all_sessions() if one.alive)

    def kernels_left(self) -> list[str]:
        """Slugs of all kernels that were not deleted."""
        return sorted(self.kernels.kernels)

    def sessions(self) -> list[Session]:
        return self.kernels.all_sessions()

    def rpc(self, method: str) -> Callable[[Members], object] | None:
        """What answers an RPC method."""
        return {
            "SaveKernel": self.kernels.save,
            "GetKernelSessionStatus": self.kernels.status,
            "ListKernelSessionOutput": self._output,
            "GetKernel": self.kernels.get,
            "ListKernels": self.kernels.listing,
            "DeleteKernel": self.kernels.delete,
            "CancelKernelSession": self.kernels.cancel,
            "GetAcceleratorQuotaStatistics": self.kernels.quota,
            "IntrospectToken": self._introspect,
            "ListDataFiles": self._list_files,
        }.get(method)

    def mcp(self, asked: Members) -> bytes | None:
        tools = {
            "get_notebook_session_status": self.kernels.status,
            "list_notebook_session_output": self._output,
            "save_notebook": self.kernels.save,
        }
        return mcp.answer(asked, tools)

    def data_file_url(self, asked: Members) -> str:
        return self.urls.sign(require_folder(self.competition).find(asked))

    def _output(self, asked: Members) -> Members:
        return session_output(self.kernels.session(asked), asked, self.urls)

    def _introspect(self, asked: Members) -> Members:
        known = asked.get("token") == TOKEN
        return (
            {"active": True, "username": self.kernels.owner, "scope": "all"} if known else {"active": False}
        )

    def _list_files(self, asked: Members) -> object:
        return require_folder(self.competition).listing(asked)


def as_json(members: object) -> bytes:
    return json.dumps(members).encode()
