#!/usr/bin/env bash
# Writes the npm package @mim-tf/scorer, mim-tf-scorer-VERSION.tgz, into a folder:
#
#     export/web/pack.sh OUT
set -euo pipefail
web=$(cd "$(dirname "$0")" && pwd)
mkdir -p "${1:?usage: pack.sh OUT}"
out=$(cd "$1" && pwd)
test "$web/node_modules/.package-lock.json" -nt "$web/package-lock.json" || npm --prefix "$web" ci --no-audit --no-fund >&2
npm --prefix "$web" pack --workspace @mim-tf/scorer --pack-destination "$out" --silent
