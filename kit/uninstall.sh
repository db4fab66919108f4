#!/bin/sh
# Removes the installation that it stands in; what is yours (stack files, releases, state) stays.
set -eu
place=$(cd "$(dirname "$0")" && pwd -P)
[ -L "$place/current" ] || {
  echo "uninstall: run it in an installation's directory, where it is a link. Nothing was removed." >&2
  exit 1
}
cd /
version=$(readlink -f "$place/current")
for python in "$version/.venv/bin/python" python3; do
  "$python" -c '' 2>/dev/null && PYTHONPATH=$version exec "$python" -B -m kit.uninstall "$place"
done
echo "uninstall: no Python runs here any more. Remove $place/versions and the links that lead there yourself." >&2
exit 1
