#!/bin/sh
# Installs this kit into one directory: checks it, needs no network, no root, no compiler. ./install --help
set -eu
kit=$(cd "$(dirname "$0")" && pwd -P)
named='' before=''
for word; do
  [ "$before" != --python ] || named=$word
  before=$word
done
for python in ${named:+"$named"} python3 python3.11 python3.12 python3.13 python3.14 python3.15 /usr/bin/python3; do
  if command -v "$python" >/dev/null 2>&1 &&
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    PYTHONPATH=$kit exec "$python" -B -m kit.install --kit "$kit" "$@"
  fi
done
echo "install: no Python 3.11 or newer was found. Install one from this system's packages (RHEL: python3.12;" \
  "Debian: python3), or name one: ./install --python PROGRAM. Nothing was installed." >&2
exit 1
