#!/bin/sh
# Writes the library as two files, mim.h and mim.c:
#
#     ./amalgamate.sh OUT
#
# They contain the files of include and src unchanged, without the #include lines that join them.
set -eu
test $# = 1 || { echo "usage: ./amalgamate.sh OUT" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"

joined() {
    for file; do
        printf '\n/* %s */\n' "${file#"$here"/}"
        sed '/^#include "/d' "$file"
    done
}

{
    echo '/* mim-tf: all headers of the C library in one file. Written by export/c/amalgamate.sh: do not edit. */'
    # mim.h itself comes first, for its overview; what it includes follows.
    sed '/^#ifndef MIM_H$/,$d' "$here/include/mim.h"
    printf '#ifndef MIM_H\n#define MIM_H\n'
    joined "$here"/include/mim_version.h "$here"/include/mim_status.h "$here"/include/mim_pixels.h \
        "$here"/include/mim_masks.h "$here"/include/mim_ssim.h "$here"/include/mim_deep.h "$here"/include/mim_decide.h
    printf '\n#endif\n'
} > "$1/mim.h"
{
    echo '/* mim-tf: all sources of the C library in one file. Written by export/c/amalgamate.sh: do not edit. */'
    printf '#include "mim.h"\n'
    joined "$here/src/internal.h" "$here"/src/*.c
} > "$1/mim.c"
