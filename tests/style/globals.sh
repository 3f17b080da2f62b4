#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# No writable static storage outside the main.c files: read from the built objects, where nothing hides.
# shellcheck source=tests/style/common
. "$(dirname "$0")/common"
objects=${COMPUTEFI_BUILD:-build}/obj
[ -d "$objects" ] || { echo "nothing is built in $objects; run: make"; exit 1; }
find "$objects"/{server,sql,api,workers} -name '*.o' -not -name main.o 2>/dev/null | sort | xargs -r objdump -t |
    awk -v root="$objects/" '
        / file format / { file = substr($0, length(root) + 1); sub(/\.o:.*/, ".c", file) }
        $NF !~ /^\./ && match($0, /[ \t]\.(data|bss|tdata|tbss)[^ \t]*[ \t]/) {
            section = substr($0, RSTART + 1, RLENGTH - 2)
            if (section !~ /^\.data\.rel\.ro/) print file ":" $NF "\tmutable global in " section
        }
        /\*COM\*/ { print file ":" $NF "\tmutable global (common)" }' |
    grep -vE ':(__odr_asan|__asan|__gcov|__tsan|__sanitizer)' |
    while IFS=: read -r source rest; do [ -f "$source" ] && echo "$source:$rest"; done | report
finish
