"""The files of a competition: their list, in whatever shape it is answered, and where each one is."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from kagglesdk.competitions.types.competition_api_service import (
    ApiDownloadDataFileRequest,
    ApiListDataFilesRequest,
)

from infra.errors import RemoteAnswerInvalid
from infra.kaggle.answers import Members, entries, member, next_page, read_tree
from infra.kaggle.api import KaggleApi
from infra.kaggle.connection import Answer
from infra.web.remote_text import quoted

_SERVICE: Final = "competitions.CompetitionApiService"
_PAGE: Final = 200
_MOST_PAGES: Final = 2000


@dataclass(frozen=True, slots=True)
class CompetitionFile:
    """One file as Kaggle lists it; ``name`` has ``/`` between folders, ``size`` is in bytes."""

    name: str
    size: int


def competition_files(api: KaggleApi, competition: str) -> Iterator[CompetitionFile]:
    """List every file.

    The answer is an object of files and the next page's token, in either spelling, or the bare list of all.

    Raises:
        KernelGone: There is no such competition, or its rules are not accepted.
        RemoteAnswerInvalid: The answer has neither shape.
    """
    request = ApiListDataFilesRequest()
    request.competition_name, request.page_size = competition, _PAGE
    for _ in range(_MOST_PAGES):
        tree = api.patience.repeat_read(lambda: read_tree(api.http.ask(_SERVICE, "ListDataFiles", request)))
        if isinstance(tree, list):
            yield from map(_file, entries({"files": tree}, "files"))
            return
        if not isinstance(tree, dict) or not (member(tree, "files") or tree == {}):
            raise RemoteAnswerInvalid(f"a list of the competition's files was expected, got {quoted(tree)}")
        yield from map(_file, entries(tree, "files"))
        if not (following := next_page(tree)):
            return
        request.page_token = following
    raise RemoteAnswerInvalid(f"the competition's files fill more than {_MOST_PAGES} pages")


def file_url(api: KaggleApi, competition: str, name: str) -> str:
    """Ask for a signed URL of a file; it is good for some minutes.

    Raises:
        RemoteError: Kaggle does not give one.
    """
    request = ApiDownloadDataFileRequest()
    request.competition_name, request.file_name = competition, name
    answer = api.patience.repeat_read(lambda: _heeded(api.http.ask(_SERVICE, "DownloadDataFile", request)))
    url = answer.headers.get("Location")
    if not url:
        tree = read_tree(answer)
        url = tree.get("url") if isinstance(tree, dict) else None
    if not isinstance(url, str) or not url:
        raise RemoteAnswerInvalid(f"Kaggle gives no URL of {quoted(name)}")
    return url


def _heeded(answer: Answer) -> Answer:
    """An answer that says yes."""
    if not 300 <= answer.status < 400:
        read_tree(answer)
    return answer


def _file(entry: Members) -> CompetitionFile:
    name, size = member(entry, "name") or member(entry, "ref"), member(entry, "totalBytes")
    if not isinstance(name, str) or not name:
        raise RemoteAnswerInvalid(f"a file has no name: {quoted(entry)}")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise RemoteAnswerInvalid(f"{quoted(name)} has no size in bytes, got {quoted(size)}")
    return CompetitionFile(name, size)
