# Functions of test_all.sh and test_packages.sh, which source this file: run checks, and print one table of them.
# They use `root`, the root of the project, and `log`, a file for the output of the command that runs. PYTHON is exported:
# a Python with mim-tf, by default that of .venv, else python3.
test -n "${PYTHON:-}" || PYTHON=$root/.venv/bin/python
test -x "$(command -v "$PYTHON")" || PYTHON=python3
PYTHON=$(command -v "$PYTHON") || exit 2
case $PYTHON in /*) ;; *) PYTHON=$PWD/$PYTHON ;; esac
export PYTHON
rows=()

# row TARGET WHAT CHECKS RESULT SECONDS
row() {
    local IFS=$'\t'
    rows+=("$*")
}

# check TARGET WHAT PATTERN COMMAND...: runs the command for at most 20 minutes, and sums the numbers in the parts of
# its output that match PATTERN. A command that exits with 77 lacks a requirement, which its last line names.
check() {
    local target=$1 what=$2 pattern=$3 result=passed began=$SECONDS count status=0
    shift 3
    echo "== $target: $what" >&2
    timeout --kill-after=10 1200 "$@" > "$log" 2>&1 < /dev/null || status=$?
    sed -i 's/\x1b\[[0-9;]*m//g' "$log" # colours
    count=$(grep -oE "$pattern" "$log" | grep -oE '[0-9]+' | awk '{ sum += $1 } END { print sum + 0 }')
    if test "$status" = 77; then
        result="missing: $(tail -n 1 "$log")"
    elif test "$status" != 0 || test "$count" = 0; then
        result=FAILED
        tail -n 30 "$log" >&2
    fi
    row "$target" "$what" "$count" "$result" $((SECONDS - began))
}

# present THING...: whether all commands, or files given by absolute path, exist.
present() {
    local thing
    for thing in "$@"; do
        case $thing in
            /*) test -e "$thing" ;;
            *) command -v "$thing" > /dev/null ;;
        esac || return 1
    done
}

# need TARGET WHAT "THING..." PACKAGE...: installs the packages if a thing is missing, and lists the target as missing
# if it still is.
need() {
    local target=$1 what=$2 things sudo=()
    read -ra things <<< "$3"
    shift 3
    present "${things[@]}" && return
    test "$(id -u)" = 0 || sudo=(sudo -n)
    if present apt-get "${sudo[@]:0:1}"; then
        echo "== apt-get install $*" >&2
        test -n "${updated:-}" || timeout 120 "${sudo[@]}" apt-get -q update > "$log" 2>&1
        updated=1
        timeout 300 "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends "$@" \
            > "$log" 2>&1 < /dev/null || tail -n 3 "$log" >&2
    fi
    present "${things[@]}" && return
    row "$target" "$what" 0 "missing: apt-get install $*" 0
    return 1
}

# environment FOLDER PYTHON PIP_ARGUMENT...: a virtual environment in the root of the project.
environment() {
    local folder=$root/$1 python=$2
    shift 2
    "$python" -m venv "$folder" && "$folder/bin/python" -m pip install --quiet "$@"
} > "$log" 2>&1

# print_rows [strict]: the table. The exit status is 1 if a check failed or, with `strict`, was missing.
print_rows() {
    printf '%s\n' $'target\twhat was run\tchecks\tresult\tseconds' "${rows[@]}" | awk -F '\t' '
        { for (i = 1; i <= 5; i++) { cell[NR, i] = $i; if (length($i) > width[i]) width[i] = length($i) } }
        END {
            for (r = 1; r <= NR; r++) {
                for (i = 1; i <= 4; i++) printf "%-" width[i] "s  ", cell[r, i]
                print cell[r, 5]
            }
        }'
    case ${1:-}${rows[*]} in
        *$'\tFAILED\t'* | strict*$'\tmissing: '*) return 1 ;;
    esac
}
