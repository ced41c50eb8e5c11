"""Ask a portal whether it is there and lets us in, without asking anything of it."""

from infra.errors import PortalDenied, PortalUnavailable
from infra.portal.client.answers import refusal
from infra.portal.client.connection import Portal
from infra.portal.client.sending import authorization
from infra.web.exchange import Request, exchange


def presence(portal: Portal, *, total_s: float) -> str:
    """Say in a sentence that the portal answers.

    Only our own kind of portal knows the question; another one's refusal of it is an answer as well.

    Raises:
        PortalUnavailable: It does not answer, or not now.
        PortalDenied: It does not accept the token.
        PortalAnswerInvalid: What answers speaks no usable HTTP.
    """
    request = Request("GET", portal.address.below("api/judge"), headers=authorization(portal))
    answer = exchange(request, total_s=total_s)
    error = refusal(answer, asked=str(request))
    if isinstance(error, PortalUnavailable | PortalDenied):
        raise error
    return f"{portal.address} answers with status {answer.status}"
