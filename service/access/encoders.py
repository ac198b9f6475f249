"""Who may bring which encoder to the workers."""

from service.http.problems import Forbidden
from store.principals import Principal
from store.setting_types import OWN_ENCODERS


def require_encoder(principal: Principal, encoder: str, *chosen: str) -> None:
    """Raise Forbidden if the encoder is for administrators: a worker would download a network that whoever
    asks has chosen, or load a file of the server. Those in `chosen` are there already.
    """
    if not principal.admin and encoder not in (*OWN_ENCODERS, *chosen):
        raise Forbidden(
            f"Only an administrator may use the encoder {encoder}: ask one, or give "
            f"{', '.join(OWN_ENCODERS[:-1])} or {OWN_ENCODERS[-1]}.",
            needs="admin",
        )
