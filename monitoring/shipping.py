"""A stack → what Grafana Alloy and Filebeat are told on each host, to ship the services' log files.
Pure.

What a line of them looks like isn't public: each is shipped as it stands. Source: deployment, the
parameters *_LOG_PATH and *_LOG_FILENAME, whose patterns make a new file a time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from config_schema import ExecConfig, Shipping
from monitoring.program import CONFIG, in_filebeat
from stack.layout import Instance, Layout
from stack.retention import log_files

HEAD = "Made by exctl from the stack file, and written anew from it."
LOKI_VARIABLE, ELASTICSEARCH_VARIABLE = "EXEC_LOKI_URL", "EXEC_ELASTICSEARCH_URL"
LOKI_WORDS = (
    f"// Where Loki is: {LOKI_VARIABLE} in Alloy's environment,"
    " e.g. http://loki.example.com:3100/loki/api/v1/push\n"
)
ELASTICSEARCH_WORDS = (
    f"Where Elasticsearch is: {ELASTICSEARCH_VARIABLE} in Filebeat's environment; for another"
    " output, put that in its place."
)
PASSWORD_FILE = f"{CONFIG}/password"
IGNORED_HOURS = 48
"""Chosen: files that nobody has written to for so long are history, and not shipped when a shipper
begins; a weekend's quiet instance still writes more often."""
SCAN_SECONDS = 10
"""Source: the default of both: how soon the next file of a pattern is found."""
CLOSED_MINUTES = 5
"""Source: Filebeat's default: a file that isn't written to any more is closed, so that one which is
removed meanwhile (logs.retention_days) gives its room back."""


def files(stack: str, config: ExecConfig, layout: Layout) -> dict[str, str]:
    """Path below the directory → text, for each host on which a service writes files."""
    found = {}
    for host in layout.hosts:
        instances = [i for i in layout.instances if i.host == host]
        if any(map(log_files, instances)):
            name = f"logs/{stack}.{host.replace(':', '-')}"
            found[f"{name}.alloy"] = alloy(stack, config.tenant.id, instances)
            found[f"{name}.filebeat.yml"] = filebeat(stack, config.tenant.id, instances)
    return found


def alloy(
    stack: str, tenant: str, instances: Sequence[Instance], own: Shipping | None = None
) -> str:
    """Alloy's configuration. The name of the file is no label: a new one a file would be a new
    stream of Loki's each time. `own`: where Loki is; none: Alloy's environment says."""
    targets = "".join(
        f"    {{{', '.join(f'{key} = {json.dumps(value)}' for key, value in target.items())}}},\n"
        for target in _targets(stack, tenant, instances)
    )
    return (
        f"// {HEAD}\n"
        f"{'' if own else LOKI_WORDS}"
        f"{''.join(f'// {line}{chr(10)}' for line in _left_out(instances))}"
        'local.file_match "exec" {\n'
        f"  path_targets = [\n{targets}  ]\n"
        f'  sync_period       = "{SCAN_SECONDS}s"\n'
        f'  ignore_older_than = "{IGNORED_HOURS}h"\n'
        "}\n\n"
        'loki.source.file "exec" {\n'
        "  targets    = local.file_match.exec.targets\n"
        "  forward_to = [loki.process.exec.receiver]\n"
        "}\n\n"
        'loki.process "exec" {\n'
        "  forward_to = [loki.write.exec.receiver]\n"
        '  stage.label_drop {\n    values = ["filename"]\n  }\n'
        "}\n\n"
        'loki.write "exec" {\n'
        f"  endpoint {{\n    url = {_loki(own)}\n  }}\n"
        "}\n"
    )


def _loki(own: Shipping | None) -> str:
    """The address, and the login after it."""
    if own is None:
        return f'sys.env("{LOKI_VARIABLE}")'
    if own.user is None:
        return json.dumps(own.url)
    login = (
        f"username      = {json.dumps(own.user)}\n      password_file = {json.dumps(PASSWORD_FILE)}"
    )
    return f"{json.dumps(own.url)}\n\n    basic_auth {{\n      {login}\n    }}"


def filebeat(
    stack: str, tenant: str, instances: Sequence[Instance], own: Shipping | None = None
) -> str:
    """Filebeat's configuration: an input an instance, with our labels in `fields`. `own`: where
    Elasticsearch is; none: Filebeat's environment says."""
    inputs: list[dict[str, Any]] = []
    for target in _targets(stack, tenant, instances):
        labels = dict(target)
        path = labels.pop("__path__")
        inputs.append(
            {
                "type": "filestream",
                "id": f"exec-{stack}-{labels['instance']}",
                "paths": [path],
                "prospector.scanner.check_interval": f"{SCAN_SECONDS}s",
                "ignore_older": f"{IGNORED_HOURS}h",
                "close.on_state_change.inactive": f"{CLOSED_MINUTES}m",
                "fields": labels,
            }
        )
    content: dict[str, Any] = {"filebeat.inputs": inputs}
    if own is None:
        content["output.elasticsearch"] = {"hosts": [f"${{{ELASTICSEARCH_VARIABLE}}}"]}
    else:
        login = {"username": in_filebeat(own.user)} if own.user else {}
        content["output.elasticsearch"] = {"hosts": [in_filebeat(own.url)], **login}
        content |= {"http.enabled": True, "http.host": "127.0.0.1", "http.port": own.own_port}
    lines = [HEAD, *([] if own else [ELASTICSEARCH_WORDS]), *_left_out(instances)]
    head = "".join(f"# {line}\n" for line in lines)
    return head + str(yaml.safe_dump(content, sort_keys=False, width=1000))


def _targets(stack: str, tenant: str, instances: Sequence[Instance]) -> Iterator[dict[str, str]]:
    for instance in instances:
        if place := log_files(instance):
            yield {
                "__path__": "/".join(place),
                "job": "exec-logs",
                "stack": stack,
                "tenant": tenant,
                "service": instance.service,
                "instance": instance.key,
                **({"pair": instance.pair} if instance.pair else {}),
                "host": instance.host,
            }


def _left_out(instances: Sequence[Instance]) -> list[str]:
    found = []
    for instance in instances:
        if log_files(instance) is None:
            why = "its log.filename doesn't tell its files from others'"
            if "LOG_PATH" not in instance.environment:
                why = "it logs to stdout, which Docker keeps (docker logs)"
            found.append(f"Not shipped: {instance.key}: {why}.")
    return found
