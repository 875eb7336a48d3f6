"""What an administrator may not do, and what clients see of what was done."""

from tests.differential.peer import Trace
from tests.differential.stage import Stage


def scenario_admin_user_comes_and_goes(stage: Stage) -> Trace:
    user = stage.own("user")
    stage.admin.add_user(user)
    stage.admin.set_permissions(user)
    peer = stage.peer("a", user=user, password="secret")
    peer.call("queue.declare", queue=stage.q("mine"))
    stage.admin.delete_user(user)
    peer.take(1)
    stage.note(f"deleted again: {stage.admin.delete_user(user)}")
    return stage.trace


def scenario_admin_permissions_refused(stage: Stage) -> Trace:
    user = stage.own("user")
    stage.admin.set_permissions(user)
    stage.admin.add_user(user)
    stage.admin.set_permissions(user, "*")
    stage.admin.set_permissions(user, ".*", "(", ".*")
    stage.admin.set_permissions(user, vhost=stage.own("nowhere"))
    stage.admin.set_topic_permissions(user, "amq.topic", "[")
    return stage.trace
