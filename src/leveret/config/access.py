"""The settings of users and rights: who may come in, and what the first user is."""

from typing import Final

from leveret.config.kinds import Names, Secret, Setting, Text

ACCESS: Final[list[Setting]] = [
    Text("default_user", "guest", "User that exists at the first start.", 1),
    Secret("default_pass", "guest", "Password of the default user."),
    Text("default_vhost", "/", "Virtual host that exists at the first start.", 1),
    Names("loopback_users", ["guest"], "", "Users who may only connect from this machine."),
]
