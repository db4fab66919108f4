import os
import time

import pulumi
from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    CreateResult,
    DiffResult,
    ReadResult,
    Resource,
    ResourceProvider,
    UpdateResult,
)

CALLS = os.environ.get("GOLDEN_CALLS", "/dev/null")


def called(*words):
    with open(CALLS, "a") as f:
        f.write(" ".join(str(w) for w in words) + "\n")


class Probe(ResourceProvider):
    """Inputs: name, value, and switches: replace, dbr, fail_create, fail_delete, gone, slow, drift."""

    def check(self, olds, news):
        if news.get("bad"):
            return CheckResult(news, [CheckFailure("bad", "must not be set")])
        return CheckResult(news, [])

    def diff(self, id, olds, news):
        changed = [k for k in ("value", "upstream") if olds.get(k) != news.get(k)]
        replaces = changed if news.get("replace") else []
        return DiffResult(changes=bool(changed), replaces=replaces, stables=[],
                          delete_before_replace=bool(news.get("dbr")))

    def create(self, props):
        called("create", props["name"], props.get("value"))
        time.sleep(float(os.environ.get("GOLDEN_SLOW", "0")) if props.get("slow") else 0)
        if props.get("fail_create") and not os.path.exists(CALLS + ".heal"):
            raise Exception("cannot create " + props["name"])
        return CreateResult("id-%s-%s" % (props["name"], props.get("value")), dict(props, made="yes"))

    def update(self, id, olds, news):
        called("update", news["name"], olds.get("value"), "->", news.get("value"))
        return UpdateResult(dict(news, made="again"))

    def read(self, id, props):
        called("read", props.get("name"))
        if os.path.exists(CALLS + ".gone") and props.get("gone"):
            return ReadResult(None, {})
        if os.path.exists(CALLS + ".drift") and props.get("drift"):
            return ReadResult(id, dict(props, value="drifted"))
        return ReadResult(id, props)

    def delete(self, id, props):
        called("delete", props["name"], props.get("value"))
        if props.get("fail_delete") and not os.path.exists(CALLS + ".heal"):
            raise Exception("cannot delete " + props["name"])


class Thing(Resource):
    made: pulumi.Output[str]
    value: pulumi.Output[str]

    def __init__(self, name, value="1", opts=None, **props):
        super().__init__(Probe(), name, {"name": name, "value": value, "made": None, **props}, opts)


def after(*resources, **more):
    return pulumi.ResourceOptions(depends_on=list(resources), **more)

