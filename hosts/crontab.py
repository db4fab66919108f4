"""One line of ours in the crontab of the user that SSH logs in as; all others stay as they are."""

from __future__ import annotations

from collections.abc import Sequence

from hosts.answer import HostAnswer, HostCommand

# A crontab that can't be read is not an empty one: to write it anew would lose what others put in.
_REWRITE = r"""
mark=$1 line=$2; shift 2
command -v crontab >/dev/null || { echo "there is no crontab on that host" >&2; exit 1; }
for directory; do
  [ -d "$directory" ] && [ -w "$directory" ] && continue
  echo "$(id -un) can't remove files from $directory" >&2; exit 1
done
LC_ALL=C; export LC_ALL
before=$(crontab -l 2>&1) || case $before in
  *"no crontab for"*) before=;;
  *) echo "crontab -l: $before" >&2; exit 1;;
esac
{
  [ -z "$before" ] || printf '%s\n' "$before" | awk -v mark="$mark" \
    'substr($0, length($0) - length(mark) + 1) != mark'
  [ -z "$line" ] || printf '%s\n' "$line"
} | crontab -
"""


def put(run: HostCommand, mark: str, line: str, directories: Sequence[str]) -> HostAnswer:
    """Puts the line, which ends with the mark, in the place of the one before. Not if there is no
    crontab, or if the user can't write to one of the directories."""
    return run(["sh", "-c", _REWRITE, "sh", mark, line, *directories])


def take(run: HostCommand, mark: str) -> HostAnswer:
    """Takes the line with the mark away, if it is there."""
    return run(["sh", "-c", _REWRITE, "sh", mark, ""])
