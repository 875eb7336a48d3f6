"""MQTT's numbers: packet types, reason codes, the return codes of the versions before 5.

Source: MQTT 5.0, tables 2-1 and 2-6; MQTT 3.1.1, tables 2.1 and 3.1.
"""

from typing import Final

VERSION_31: Final = 3
VERSION_311: Final = 4
VERSION_5: Final = 5

CONNECT: Final = 1
CONNACK: Final = 2
PUBLISH: Final = 3
PUBACK: Final = 4
PUBREC: Final = 5
PUBREL: Final = 6
PUBCOMP: Final = 7
SUBSCRIBE: Final = 8
SUBACK: Final = 9
UNSUBSCRIBE: Final = 10
UNSUBACK: Final = 11
PINGREQ: Final = 12
PINGRESP: Final = 13
DISCONNECT: Final = 14
AUTH: Final = 15

PACKET_NAMES: Final = (
    *("RESERVED", "CONNECT", "CONNACK", "PUBLISH", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP"),
    *("SUBSCRIBE", "SUBACK", "UNSUBSCRIBE", "UNSUBACK", "PINGREQ", "PINGRESP", "DISCONNECT"),
    "AUTH",
)

# Reason codes of MQTT 5.  From FAILURE on they say that something was refused.
SUCCESS: Final = 0x00
NORMAL_DISCONNECTION: Final = 0x00
GRANTED_QOS_0: Final = 0x00
GRANTED_QOS_1: Final = 0x01
GRANTED_QOS_2: Final = 0x02
DISCONNECT_WITH_WILL: Final = 0x04
NO_MATCHING_SUBSCRIBERS: Final = 0x10
NO_SUBSCRIPTION_EXISTED: Final = 0x11
CONTINUE_AUTHENTICATION: Final = 0x18
REAUTHENTICATE: Final = 0x19
FAILURE: Final = 0x80
UNSPECIFIED_ERROR: Final = 0x80
MALFORMED_PACKET: Final = 0x81
PROTOCOL_ERROR: Final = 0x82
IMPLEMENTATION_SPECIFIC_ERROR: Final = 0x83
UNSUPPORTED_PROTOCOL_VERSION: Final = 0x84
CLIENT_IDENTIFIER_NOT_VALID: Final = 0x85
BAD_USER_NAME_OR_PASSWORD: Final = 0x86
NOT_AUTHORIZED: Final = 0x87
SERVER_UNAVAILABLE: Final = 0x88
SERVER_BUSY: Final = 0x89
BANNED: Final = 0x8A
SERVER_SHUTTING_DOWN: Final = 0x8B
BAD_AUTHENTICATION_METHOD: Final = 0x8C
KEEP_ALIVE_TIMEOUT: Final = 0x8D
SESSION_TAKEN_OVER: Final = 0x8E
TOPIC_FILTER_INVALID: Final = 0x8F
TOPIC_NAME_INVALID: Final = 0x90
PACKET_IDENTIFIER_IN_USE: Final = 0x91
PACKET_IDENTIFIER_NOT_FOUND: Final = 0x92
RECEIVE_MAXIMUM_EXCEEDED: Final = 0x93
TOPIC_ALIAS_INVALID: Final = 0x94
PACKET_TOO_LARGE: Final = 0x95
MESSAGE_RATE_TOO_HIGH: Final = 0x96
QUOTA_EXCEEDED: Final = 0x97
ADMINISTRATIVE_ACTION: Final = 0x98
PAYLOAD_FORMAT_INVALID: Final = 0x99
RETAIN_NOT_SUPPORTED: Final = 0x9A
QOS_NOT_SUPPORTED: Final = 0x9B
USE_ANOTHER_SERVER: Final = 0x9C
SERVER_MOVED: Final = 0x9D
SHARED_SUBSCRIPTIONS_NOT_SUPPORTED: Final = 0x9E
CONNECTION_RATE_EXCEEDED: Final = 0x9F
MAXIMUM_CONNECT_TIME: Final = 0xA0
SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED: Final = 0xA1
WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED: Final = 0xA2

# Return codes of CONNACK before MQTT 5.
V3_UNSUPPORTED_PROTOCOL_VERSION: Final = 1
V3_CLIENT_IDENTIFIER_REJECTED: Final = 2
V3_SERVER_UNAVAILABLE: Final = 3
V3_BAD_USER_NAME_OR_PASSWORD: Final = 4
V3_NOT_AUTHORIZED: Final = 5

# The code of SUBACK before MQTT 5 for what is refused.
V3_SUBSCRIPTION_FAILURE: Final = 0x80


class MqttFault(Exception):
    """The peer's packet breaks MQTT's rules: the connection ends.

    ``reason`` is MQTT 5's code for it; the text is for the log, and for a client of MQTT 5.
    """

    def __init__(self, reason: int, text: str) -> None:
        super().__init__(text)
        self.reason: Final = reason
        self.text: Final = text


def connack_code(reason: int) -> int:
    """The return code that says to a client before MQTT 5 what ``reason`` says since."""
    if reason == SUCCESS:
        return SUCCESS
    if reason == UNSUPPORTED_PROTOCOL_VERSION:
        return V3_UNSUPPORTED_PROTOCOL_VERSION
    if reason == CLIENT_IDENTIFIER_NOT_VALID:
        return V3_CLIENT_IDENTIFIER_REJECTED
    if reason == BAD_USER_NAME_OR_PASSWORD:
        return V3_BAD_USER_NAME_OR_PASSWORD
    if reason == NOT_AUTHORIZED or reason == BANNED:
        return V3_NOT_AUTHORIZED
    return V3_SERVER_UNAVAILABLE
