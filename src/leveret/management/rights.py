"""Rights that depend on a virtual host as well as on the user's tags.

Behaviour: RabbitMQ 4.3, "Management plugin", "Permissions".
"""

from typing import Final

from leveret.broker.definition_export import OPERATOR_POLICY
from leveret.broker.limits import COMPONENT as LIMITS
from leveret.broker.vhost import VHost
from leveret.management.api import ADMINISTRATOR, Call, NotAuthorised, NotFound, Refusal

# Runtime parameters that bind whoever may set the others.
_IMPOSED: Final = (OPERATOR_POLICY, LIMITS)


async def policymakers_vhost(call: Call) -> VHost:
    """The vhost that the path names, for whoever may set policies there.

    Raises NotFound, NotAuthorised.
    """
    vhost: VHost | None = call.node.vhosts.get(call.names["vhost"])
    if vhost is None:
        if call.request.method == "PUT":
            raise Refusal(404, "not_found", "vhost_not_found")
        raise NotFound()
    if not call.is_policymaker or not await call.enters(vhost.name):
        raise NotAuthorised("User not authorised to access object")
    return vhost


def check_component(call: Call, component: object) -> None:
    """Leave limits and operators' policies to administrators.  Raises NotAuthorised.

    Differs from RabbitMQ, where whoever sets policies lifts them as runtime parameters.
    """
    if component in _IMPOSED:
        call.check(ADMINISTRATOR)
