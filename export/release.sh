#!/usr/bin/env bash
# Makes all packages of a release in one folder:
#
#     export/release.sh OUT [BUNDLE [MICRO]]
#
# BUNDLE and MICRO are the released bundles by default. PYTHON selects a Python with mim-tf; the default is that of
# .venv, else python3. OUT must not exist. SHA256SUMS in it lists every file. A package whose requirements are missing
# is named and left out. The exit status is 1 if a package could not be made.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
out=${1:?name a folder to write to}
bundle=$(cd "${2:-$root/export/released}" && pwd)
micro=$(cd "${3:-$root/export/released_micro}" && pwd)
test -n "${PYTHON:-}" || PYTHON=$root/.venv/bin/python
test -x "$(command -v "$PYTHON")" || PYTHON=python3
export PYTHON
mkdir "$out"
out=$(cd "$out" && pwd)
version=$(sed -n 's/^version = \([0-9]*\.[0-9]*\.[0-9]*\).*/\1/p' "$root/setup.cfg")
status=0
missing=()

# package NAME COMMAND...
package() {
    local name=$1 result=0
    shift
    echo "== $name" >&2
    "$@" >&2 || result=$?
    case $result in
        0) ;;
        77) missing+=("$name") ;; # its last line has said what is missing
        *) echo "$name: not packed" >&2; status=1 ;;
    esac
}

# The site as it is served; the bundle inside it is BUNDLE. After web/pack.sh, which installs what the build needs.
app() {
    (cd "$root/export/web" && MIM_BUNDLE=$bundle npm run build --workspace scorer --workspace app) &&
        (cd "$root/export/web/app/dist" && "$PYTHON" -m zipfile -c "$out/mim-app-$version.zip" ./*)
}

package "Python" "$PYTHON" -m pip wheel --quiet --no-deps --wheel-dir "$out" "$root"
package "C" "$root/export/c/pack.sh" "$out"
package "Swift" "$root/export/swift/pack.sh" "$out"
package "Kotlin, Android" "$root/export/kotlin/pack.sh" "$out"
package "npm" "$root/export/web/pack.sh" "$out"
package "app" app
package "bundle" "$PYTHON" -m mim_tf pack "$bundle" --out "$out/bundle"
package "bundle for microcontrollers" "$PYTHON" -m mim_tf pack "$micro" --out "$out/bundle_micro"
(cd "$out" && find . -type f ! -name SHA256SUMS -printf '%P\n' | LC_ALL=C sort | xargs -d '\n' sha256sum > SHA256SUMS)
test ${#missing[@]} = 0 || echo "without ${missing[*]}: a requirement is missing" >&2
echo "$(wc -l < "$out/SHA256SUMS") files of packages" >&2
exit "$status"
