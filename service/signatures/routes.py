"""The address that signs addresses."""

import time
from datetime import UTC, datetime

from fastapi import APIRouter, Request

from service.access.credentials import shown_key
from service.access.roles import ANYONE
from service.http.bodies import Route
from service.http.openapi import errors
from service.http.problems import BadRequest, FileTooLarge
from service.http.signatures import signed
from service.signatures.schemas import NewSignature, SignedAddress
from store.credentials import digest_of

router = APIRouter(tags=["keys"], route_class=Route)


@router.post(
    "/signatures",
    summary="Make an address that needs no key",
    dependencies=[ANYONE],
    responses=errors(BadRequest, FileTooLarge),
)
async def sign(request: Request, new: NewSignature) -> SignedAddress:
    """For `<img>` and `EventSource`, which send no key, also in pages of other sites. Whoever has the address
    may GET it until it expires or the key does, with what the key's principal may do then."""
    if (key := shown_key(request)) is None:
        raise BadRequest("Only a key signs addresses: a browser that is logged in needs none.")
    found_by, text = key
    expires = int(time.time()) + new.seconds
    address = signed(new.address, found_by, digest_of(text), expires)
    return SignedAddress(address=address, expires_at=datetime.fromtimestamp(expires, UTC))
