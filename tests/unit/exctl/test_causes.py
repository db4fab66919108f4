"""What Docker, ssh and the registry say, in an operator's words. The texts are those that the lab's
own daemons gave."""

from __future__ import annotations

import pytest

from exctl.runs.causes import worded

HOSTS = {"excp-1-1": "10.0.0.3", "excp-1-2": "10.0.0.4"}
PULL = "ssh://genesys@10.0.0.3:22: Unable to read Docker image into resource: unable to pull image"
IMAGE = "10.0.0.10:5000/exec/excp:100.0.100.13"


@pytest.mark.parametrize(
    ("said", "meaning", "remedy"),
    [
        (
            f"{PULL} {IMAGE}: manifest for {IMAGE} not found: manifest unknown: manifest unknown",
            f"the registry has no image {IMAGE}",
            "tag",
        ),
        (
            f"{PULL} {IMAGE}: unauthorized: authentication required",
            f"the registry refuses our login for {IMAGE}",
            "exctl rotate registryPassword",
        ),
        (
            f'{PULL} {IMAGE}: Get "http://10.0.0.10:5000/v2/": dial tcp 10.0.0.10:5000: connect:'
            " connection refused",
            f"the image {IMAGE} can't be pulled, since the registry can't be reached from there",
            "registry runs",
        ),
        (
            f"{PULL} {IMAGE}: missing signature key",
            f"the image {IMAGE} can't be pulled: missing signature key",
            "docker pull",
        ),
        (
            f"{PULL} {IMAGE}: toomanyrequests: You have reached your pull rate limit",
            "the registry's rate limit is reached",
            "registry.username",
        ),
        (
            f'{PULL} {IMAGE}: Get "https://10.0.0.10:5000/v2/": http: server gave HTTP response to'
            " HTTPS client",
            "speaks plain HTTP",
            "insecure-registries",
        ),
        (
            f'{PULL} {IMAGE}: Get "https://10.0.0.10:5000/v2/": x509: certificate signed by unknown'
            " authority",
            "doesn't trust the certificate",
            "certs.d",
        ),
        (
            f"{PULL} no-registry.invalid/exec/excp:1: Get https://no-registry.invalid/v2/: dial"
            " tcp: lookup no-registry.invalid: no such host",
            "the image no-registry.invalid/exec/excp:1 isn't on the host, and this stack has no"
            " registry",
            "exctl images push",
        ),
        (
            f"{PULL} sha256:{'a' * 64}: invalid reference",
            "isn't on the host",
            "exctl images push",
        ),
        (
            f"{PULL} {IMAGE}: write /var/lib/docker/tmp/x: no space left on device",
            f"no disk space is left for the image {IMAGE}",
            "docker system df",
        ),
        (
            'Conflict. The container name "/excp-1-1" is already in use by container "5348"',
            "a container of that name already exists",
            "exctl adopt",
        ),
        (
            "Preview failed: ssh://genesys@10.0.0.3:22: ssh: connect to host 10.0.0.3 port 22:"
            " Connection timed out",
            "the host can't be reached over SSH",
            "SSH port",
        ),
        (
            "container excp-1-1: Unable to remove: POST /containers/57/stop: [Errno 104]"
            " Connection reset by peer",
            "the connection to it was lost",
            "SSH port",
        ),
        (
            "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker"
            " daemon running?",
            "its Docker daemon isn't",
            "systemctl status docker",
        ),
        ("genesys@10.0.0.3: Permission denied (publickey).", "refuses our SSH login", "key_path"),
        ("Host key verification failed.", "key isn't the known one", "known_hosts"),
    ],
)
def test_a_known_word_is_explained_and_kept(said: str, meaning: str, remedy: str) -> None:
    (text,) = worded({"image-excp-1-1": said}, HOSTS)
    first, second, last = text.splitlines()
    assert first.startswith("excp-1-1 on 10.0.0.3: ")
    assert meaning in first
    assert remedy in second
    assert last == f"  In its own words: {said}"


def test_what_several_hosts_say_is_said_once() -> None:
    errors = {
        f"{role}-{key}": f"ssh: connect to host {host} port 22: Connection timed out"
        for key, host in HOSTS.items()
        for role in ("image", "container")
    }
    (text,) = worded(errors, HOSTS)
    assert text.startswith("excp-1-1 on 10.0.0.3, excp-1-2 on 10.0.0.4: the host can't be reached")


def test_an_unknown_word_stands_for_itself() -> None:
    assert worded({"network-x": "something new"}, HOSTS) == ["network-x: something new"]
