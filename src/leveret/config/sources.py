"""The settings from every source, each stronger than the one before.

The defaults of the table, a file, the environment (``RABBITMQ_DEFAULT_USER``, ``_PASS`` and
``_VHOST`` as RabbitMQ's Docker image has them, then ``LEVERET_<SETTING>``), the command line.
"""

from collections.abc import Mapping

from leveret.config.environment import take_environment
from leveret.config.faults import ConfigError, together
from leveret.config.files import take_file
from leveret.config.settings import Settings
from leveret.config.table import find, option_name


def load(file: str, environment: Mapping[str, str], options: Mapping[str, str]) -> Settings:
    """The settings from every source.  ``file`` may be empty; ``options`` are texts by name.

    Raises ConfigError, which says all that is wrong with the file if anything is.
    """
    settings = Settings()
    if file and (faults := take_file(settings, file, environment)):
        raise together(faults)
    take_environment(settings, environment)
    for name, text in options.items():
        origin = option_name(name)
        settings.take_text(find(name, origin), text, origin)
    settings.check_together()
    return settings


def check_file(settings: Settings, file: str, environment: Mapping[str, str]) -> list[ConfigError]:
    """All that is wrong with a file, read into ``settings``; nothing when it may be used."""
    faults = take_file(settings, file, environment)
    if not faults:
        try:
            settings.check_together()
        except ConfigError as fault:
            faults.append(fault)
    return faults
