"""Commands of RabbitMQ that have no meaning here: each says why, and what to do instead."""

from typing import Final

from leveret.cli.ctl.command import UNAVAILABLE, Answer, Call, Command
from leveret.cli.refusals import Failure

_CODE: Final = "there is no Erlang in Leveret to run code in, and no code is run from outside"
_STOP: Final = (
    "the broker is not stopped over HTTP: end its process with SIGTERM or Ctrl-C, or with your"
    " service manager ('systemctl stop leveret')"
)
_APP: Final = (
    "broker and process are one in Leveret: stop the process, and start it again with"
    " 'leveret serve'"
)
_CLUSTER: Final = "one node is the whole cluster, so none can join, leave or be renamed"
_RESET: Final = (
    "nothing is reset over HTTP: stop the broker and move its data folder away, or delete what"
    " there is with delete_queue, delete_vhost and delete_user"
)
_CONFIG: Final = (
    "settings are read at the start: change the configuration and start again;"
    " 'leveret config show' says where each value comes from"
)
_CIPHER: Final = (
    "values in Leveret's configuration are not encrypted: keep secrets in the environment"
)
_SYNC: Final = "there are no classic mirrored queues, as in RabbitMQ 4"
_GONE: Final = "RabbitMQ itself has dropped this command"
_OF_ERLANG: Final = "this is about Erlang, which Leveret does not run on"
_LISTENERS: Final = "listeners cannot be suspended over HTTP"

_REASONS: Final = {
    **dict.fromkeys(("eval", "eval_file", "exec", "remote_shell"), _CODE),
    **dict.fromkeys(("stop", "shutdown"), _STOP),
    **dict.fromkeys(("stop_app", "start_app"), _APP),
    **dict.fromkeys(("reset", "force_reset"), _RESET),
    **dict.fromkeys(("join_cluster", "forget_cluster_node", "rename_cluster_node"), _CLUSTER),
    **dict.fromkeys(("update_cluster_nodes", "change_cluster_node_type", "force_boot"), _CLUSTER),
    **dict.fromkeys(("set_vm_memory_high_watermark", "set_disk_free_limit"), _CONFIG),
    **dict.fromkeys(("set_log_level",), _CONFIG),
    **dict.fromkeys(("encode", "decode", "encrypt_conf_value", "decrypt_conf_value"), _CIPHER),
    **dict.fromkeys(("list_ciphers", "list_hashes"), _CIPHER),
    **dict.fromkeys(("sync_queue", "cancel_sync_queue"), _SYNC),
    **dict.fromkeys(("hipe_compile", "rotate_logs"), _GONE),
    **dict.fromkeys(
        ("schema_info", "observer", "runtime_thread_stats", "erlang_version"), _OF_ERLANG
    ),
    **dict.fromkeys(("erlang_cookie_hash", "erlang_cookie_sources", "force_gc"), _OF_ERLANG),
    **dict.fromkeys(("suspend_listeners", "resume_listeners"), _LISTENERS),
}


def refuse(name: str, reason: str) -> Command:
    """The command that says so."""

    def run(call: Call) -> Answer:
        raise Failure(f"{name} has no meaning here: {reason}", UNAVAILABLE)

    return Command(name, "[<argument> ...]", run, f"Refused: {reason}", group="")


COMMANDS: Final = tuple([refuse(name, reason) for name, reason in _REASONS.items()])
