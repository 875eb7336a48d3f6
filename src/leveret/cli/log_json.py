"""The log as JSON, for programs that read it."""

import datetime
import json
import logging


class Json(logging.Formatter):
    """An object a line, with the keys that RabbitMQ's JSON has: ``time``, ``level``, ``msg``."""

    def format(self, record: logging.LogRecord) -> str:
        """The object; an error's traceback is one more key of it."""
        when = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        line = {
            "time": when.isoformat(" ", "microseconds"),
            "level": record.levelname.lower(),
            "msg": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
