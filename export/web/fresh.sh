#!/usr/bin/env bash
# Installs the npm package in a new project of Vite and TypeScript, whose files are the blocks of scorer/README.md, and
# judges the golden images of a bundle there in headless Chromium: once on Vite's development server, once on the site
# that Vite builds, both with the content security policy of the README.
#
#     export/web/pack.sh OUT && export/web/fresh.sh OUT BUNDLE
#
# OUT is the folder of the package, BUNDLE that of a bundle. The last line is "N passed, M failed". The exit status is 1
# if an image failed, and 77, with the reason in the last line, if a requirement is missing.
set -euo pipefail
web=$(cd "$(dirname "$0")" && pwd)
out=$(cd "${1:?usage: fresh.sh OUT BUNDLE}" && pwd)
bundle=$(cd "${2:?usage: fresh.sh OUT BUNDLE}" && pwd)

missing() {
    echo "missing: $1"
    exit 77
}
command -v node > /dev/null && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' || missing "Node 20 or newer"
command -v npm > /dev/null || missing "npm"
chromium=$(command -v "${CHROMIUM:-chromium}" || command -v chromium-browser || command -v google-chrome) || missing "Chromium"
npm view vite version > /dev/null 2>&1 || missing "a connection to the npm registry"
tgz=$(ls "$out"/mim-tf-scorer-*.tgz 2> /dev/null | tail -n 1)
test -n "$tgz" || missing "$out/mim-tf-scorer-*.tgz; run pack.sh"

project=$(mktemp -d)
trap 'rm -rf "$project"' EXIT
cd "$project"
# block NAME: the first block of README.md below a line that names it in bold.
block() {
    awk -v name="**\`$1\`**" 'index($0, name) { found = 1 } found && /^```/ { if (inside) exit; inside = 1; next } inside' \
        "$web/scorer/README.md"
}
mkdir src
block index.html > index.html
block src/main.ts > src/main.ts
echo '{ "private": true, "type": "module" }' > package.json
cat > tsconfig.json << 'END'
{
  "compilerOptions": {
    "target": "ES2022", "module": "ESNext", "moduleResolution": "bundler", "lib": ["ES2022", "DOM"],
    "types": ["vite/client"], "strict": true, "noEmit": true
  },
  "include": ["src"]
}
END
npm install --no-audit --no-fund --silent "$tgz" @litertjs/core@2.5.3 vite@8 typescript@6 playwright-core@1 >&2
# The commands of the README, with this bundle.
grep -E '^    (mkdir|cp) ' "$web/scorer/README.md" > files.sh
sed -i "s| BUNDLE/| $(printf '%q' "$bundle")/|g" files.sh
bash -euo pipefail files.sh
npx tsc
cp "$web/fresh.mjs" .
CHROMIUM=$chromium BUNDLE=$bundle node fresh.mjs
