"""One OpenSSH connection a host and run, which everything that goes to the host shares."""

from plugins.ssh.masters import close_all

__all__ = ["close_all"]
