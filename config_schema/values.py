"""The kinds of values: hosts, users, tags, digests. Each says what is wrong and what is allowed."""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Callable
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from config_schema.checks import CheckName

_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?"
_HOST = re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
CAPABILITIES = frozenset((
    "AUDIT_CONTROL", "AUDIT_READ", "AUDIT_WRITE", "BLOCK_SUSPEND", "BPF",
    "CHECKPOINT_RESTORE", "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID",
    "IPC_LOCK", "IPC_OWNER", "KILL", "LEASE", "LINUX_IMMUTABLE", "MAC_ADMIN", "MAC_OVERRIDE",
    "MKNOD", "NET_ADMIN", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_RAW", "PERFMON",
    "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYSLOG", "SYS_ADMIN", "SYS_BOOT", "SYS_CHROOT",
    "SYS_MODULE", "SYS_NICE", "SYS_PACCT", "SYS_PTRACE", "SYS_RAWIO", "SYS_RESOURCE",
    "SYS_TIME", "SYS_TTY_CONFIG", "WAKE_ALARM",
))  # fmt: skip
"""Source: capabilities(7), Linux 5.9 and newer, without CAP_."""
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
LOG_REFERENCE = re.compile(
    r"<(TENANT_ID|HOSTNAME)>|\$(TENANT_ID|HOSTNAME)(?![A-Za-z0-9_])"
    r"|\$\{(TENANT_ID|HOSTNAME)(?::?[-?+][^}]*)?\}"
)
"""What is filled in in a log file's name: the vendor's `${TENANT_ID}`, and a shell's other ways to
write it."""


def canonical_host(host: str) -> str:
    """One spelling for all spellings of a host: lower case, an address in its short form."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host.lower().removesuffix(".")


def _shown(value: str) -> str:
    """The value for a message, but not where a password may stand in it."""
    return "the value" if "@" in value else repr(value)


def _matches(pattern: str, complaint: str) -> Callable[[str], str]:
    """A check that a text has this form. In the complaint, `{0}` is the text and `{1}` the text
    unless a password may stand in it."""

    def check(value: str) -> str:
        if re.fullmatch(pattern, value) is None:
            raise ValueError(complaint.format(value, _shown(value)))
        return value

    return check


_is_user = _matches(
    r"[A-Za-z0-9_.][A-Za-z0-9_.@\\-]*[$]?",
    "{0!r} is not a user's name such as genesys, svc@corp.example or CORP\\svc",
)
_is_name = _matches(
    r"[A-Za-z0-9][A-Za-z0-9_.-]*",
    "{0!r} is not a name: letters, digits, dots, dashes and underscores; first a letter or a digit",
)
_is_pair = _matches(r"[1-9][0-9]{0,3}", "is not the number of a pair; pairs are numbered from 1")
_is_digest = _matches(
    r"sha256:[0-9a-f]{64}",
    "{0!r} is not an image's digest: sha256: and 64 digits from 0 to f, as `exctl images list`"
    " shows it",
)
_is_repository = _matches(
    r"([a-z0-9][a-z0-9._-]*|\[[0-9a-f:]+\])(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*",
    "{1} is not a place of images such as registry.example.com:5000/exec (no scheme, no user, lower"
    " case, no tag)",
)
_UUID = r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
is_org_id = _matches(
    _UUID,
    "{0!r} is not an organization id: a UUID such as 6662cb10-0d4d-4710-b979-db69011e66fd, from"
    " Organization Settings / Organization Details / Advanced in Genesys Cloud",
)
is_client_id = _matches(
    _UUID,
    "{0!r} is not an OAuth client's id: a UUID such as 2f0b1a6e-7c57-4a9e-9a3e-0d7c1f5b8a11, from"
    " Integrations / OAuth / Client Details in Genesys Cloud",
)


def _is_host(value: str) -> str:
    """A name, an IPv4 address or an IPv6 address, as resolvers take them all alike."""
    try:
        if str(ipaddress.ip_address(value)).count("%") == 0:
            return value
    except ValueError:
        pass
    if value.startswith("[") and value.endswith("]"):
        raise ValueError(f"{value!r}: write an IPv6 address without brackets here")
    if value.endswith("."):
        raise ValueError(f"{value!r}: leave out the final dot")
    if _NUMBER.fullmatch(value.rpartition(".")[2]):
        raise ValueError(
            f"{value!r} is not an IPv4 address; write four numbers without leading zeros, such as"
            " 10.0.0.3"
        )
    if _HOST.fullmatch(value) is None:
        raise ValueError(f"{_shown(value)} is neither a host name nor an IP address")
    return value


def _is_tag(value: str) -> str:
    if value == "latest":
        raise ValueError("'latest' moves; name a version such as 100.0.100.11")
    if TAG.fullmatch(value) is None:
        raise ValueError(f"{value!r} is not an image tag; name a version such as 100.0.100.11")
    return value


def tag_problem(value: str) -> str:
    """Why a text can't be a version; '' if it can be one."""
    try:
        _is_tag(value)
    except ValueError as error:
        return str(error)
    return ""


def is_place_of_images(value: str) -> str:
    if value == NO_REGISTRY:
        return value
    first = _is_repository(value).partition("/")[0]
    if first != "localhost" and "." not in first and ":" not in first:
        raise ValueError(
            f"{value!r} is on Docker Hub to Docker, since {first!r} has neither a dot nor a port;"
            f" write docker.io/{value} if that is meant, else the registry's full name or its port"
            f" ({first}:443/…)"
        )
    return value


def pinned(name: str, tag: str, digest: str | None) -> str:
    """An image without its repository: by its digest, if there is one."""
    return f"{name}@{digest}" if digest else f"{name}:{tag}"


def place_problem(value: str) -> str:
    """Why a text can't be a place of images; '' if it can be one."""
    try:
        is_place_of_images(value)
    except ValueError as error:
        return str(error)
    return "'none' is no place of images" if value == NO_REGISTRY else ""


def _is_absolute(value: str) -> str:
    if not value.startswith("/") or ":" in value or "\0" in value or ".." in value.split("/"):
        raise ValueError(f"{value!r} is not an absolute path without colons and `..`")
    if not value.strip("/"):
        raise ValueError("must be a directory below /; the root would hide everything in it")
    return value


def endpoints_of(voice_server: str) -> list[tuple[str, int]]:
    """Host and port of the primary and the backup of `primary:port/backup:port`; IPv6 addresses
    stand in brackets. ValueError if it isn't of that form."""
    found = []
    for address in voice_server.split("/"):
        host, colon, port = address.rpartition(":")
        if host.startswith("[") and host.endswith("]") and ":" in host:
            host = host[1:-1]
        elif ":" in host:
            colon = ""
        is_port = port.isascii() and port.isdecimal() and 0 < int(port) < 65536
        if not colon or not is_port:
            break
        found.append((_is_host(host), int(port)))
    if len(found) != 2 or voice_server.count("/") != 1:
        raise ValueError(
            f"{_shown(voice_server)} is not of the form primary:port/backup:port (IPv6 in brackets)"
        )
    return found


def _is_address(value: str) -> str:
    host, colon, port = value.rpartition(":")
    is_port = port.isascii() and port.isdecimal() and 0 < int(port) < 65536
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        colon = ""
    if not colon or not is_port:
        raise ValueError(
            f"{_shown(value)} is not a host and a port such as exctl.example.com:9640 (IPv6 in"
            " brackets, no scheme)"
        )
    _is_host(host)
    return value


def _is_syslog(value: str) -> str:
    return _is_absolute(value) if value.startswith("/") else _is_address(value)


def _is_web_page(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.password:
        raise ValueError(f"{_shown(value)} is not the address of a page, http:// or https://")
    return value


def is_proxy(value: str) -> str:
    parts = urlsplit(value)
    try:
        is_whole = bool(parts.hostname and parts.port)
    except ValueError:
        is_whole = False
    if parts.scheme != "http" or not is_whole or parts.path not in ("", "/"):
        raise ValueError(f"{_shown(value)} is not the address of a proxy, http://host:port")
    if parts.username is not None:
        raise ValueError(f"{_shown(value)} holds a login, which would stand here in plaintext")
    return value


def _is_voice_server(value: str) -> str:
    endpoints_of(value)
    return value


def _has_no_comma(value: str) -> str:
    if "," in value or not value.strip():
        raise ValueError(
            f"{value!r} can't be passed on: EXCS takes the folder names as one list with commas"
        )
    if value != value.strip():
        raise ValueError(f"{value!r} begins or ends with a blank, which lists don't keep")
    return value


def _is_log_name(value: str) -> str:
    if "$" in LOG_REFERENCE.sub("", value):
        raise ValueError(
            f"{value!r} has a $ that nothing would fill in; ${{TENANT_ID}} and ${{HOSTNAME}} are"
            " filled in"
        )
    if "/" in value or "\0" in value:
        raise ValueError(f"{value!r} is not the name of a file; the directory is log.path")
    return value


def _is_capability(value: str) -> str:
    if value != "ALL" and value not in CAPABILITIES:
        raise ValueError(
            f"{value!r} is no capability of Linux; write it as docker run does (NET_RAW), or ALL"
        )
    return value


Host = Annotated[str, AfterValidator(_is_host)]
User = Annotated[str, AfterValidator(_is_user)]
Port = Annotated[int, Field(ge=1, le=65535)]
Tag = Annotated[str, AfterValidator(_is_tag)]
Digest = Annotated[str, AfterValidator(_is_digest)]
AbsolutePath = Annotated[str, AfterValidator(_is_absolute)]
Capability = Annotated[str, AfterValidator(_is_capability)]
Address = Annotated[str, AfterValidator(_is_address)]
Syslog = Annotated[str, AfterValidator(_is_syslog)]
WebPage = Annotated[str, AfterValidator(_is_web_page)]
VoiceServer = Annotated[str, AfterValidator(_is_voice_server)]
Folder = Annotated[str, AfterValidator(_has_no_comma)]
LogName = Annotated[str, AfterValidator(_is_log_name)]
Text = Annotated[str, Field(min_length=1)]
Name = Annotated[str, AfterValidator(_is_name)]
PairNumber = Annotated[str, AfterValidator(_is_pair)]
NO_REGISTRY = "none"
NO_REGISTRY_PLACE = "no-registry.invalid/exec"
"""What images are called on the hosts of a site without a registry. Nobody can have that name
(RFC 2606), so Docker can't fetch one that is missing from a stranger: `exec/excs` would be
somebody's on Docker Hub."""


def _is_waiver(value: str) -> str:
    name = value.partition("@")[0]
    if name not in list(CheckName):
        close = difflib.get_close_matches(name, list(CheckName), 1)
        hint = f'. Did you mean "{close[0]}"?' if close else f"; there are {', '.join(CheckName)}"
        raise ValueError(f"{name!r} is not a check of the preflight{hint}")
    return value


Waiver = Annotated[str, AfterValidator(_is_waiver)]
