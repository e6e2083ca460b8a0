# Is read by test.sh and fresh.sh: in_swift PACKAGE BUNDLE COMMAND... runs a command with Swift, on a copy of the folder
# PACKAGE, so that no build output is written there. PACKAGE and SCRATCH in the command are the paths of the copy and of
# a folder for the build; MIM_BUNDLE is a copy of the bundle.

if ! command -v swift > /dev/null && ! test -L "${MIM_SWIFT_ROOT:-}/usr/bin/swift"; then
    echo "Swift is missing; install it, or name a system that has it with MIM_SWIFT_ROOT"
    exit 77
fi
root=
command -v swift > /dev/null || root=$MIM_SWIFT_ROOT
work=$(mktemp -d "$root/tmp/mim-swift.XXXXXX")
mounted=
clean() {
    test -z "$mounted" || umount "$root/proc"
    rm -rf "$work"
}
trap clean EXIT
# The compiler finds its libraries by /proc/self/exe.
if test -n "$root" && ! test -e "$root/proc/self"; then
    mount -t proc proc "$root/proc"
    mounted=1
fi

in_swift() {
    mkdir -p "$work/package"
    (cd "$1" && tar --exclude=.build -cf - .) | tar -C "$work/package" -xf -
    cp -R "$2" "$work/bundle"
    inside=${work#"$root"}
    shift 2
    for word; do
        shift
        case $word in
            PACKAGE*) word=$inside/package${word#PACKAGE} ;;
            SCRATCH) word=$inside/build ;;
        esac
        set -- "$@" "$word"
    done
    if test -n "$root"; then
        MIM_BUNDLE=$inside/bundle HOME=/tmp chroot "$root" "$@"
    else
        MIM_BUNDLE=$inside/bundle "$@"
    fi
}
