"""How a run and an AMQP broker introduce themselves.  Opens nothing."""

from leveret.tables import Table, TableError, field_of, read_table, table_of


def client_properties() -> Table:
    """Who we are, and that we understand a refused login and a blocked connection."""
    can: dict[str, object] = {
        "authentication_failure_close": True,
        "basic.nack": True,
        "connection.blocked": True,
        "consumer_cancel_notify": True,
        "publisher_confirms": True,
    }
    names: dict[str, object] = {"product": "leveret perf", "platform": "Python"}
    properties = table_of(names)
    properties["capabilities"] = field_of(can)
    return properties


def product_of(hello: bytes) -> str:
    """What ``connection.start`` says the broker is: product and version, maybe empty.

    Leveret names itself beside the RabbitMQ that it takes the part of.
    """
    try:
        properties, _ = read_table(hello, 6)
    except TableError:
        return ""
    words = [properties[name].value for name in ("product", "version") if name in properties]
    said = " ".join([word for word in words if isinstance(word, str)])
    own = properties["leveret"].value if "leveret" in properties else None
    return f"Leveret {own} (as {said})" if isinstance(own, str) else said
