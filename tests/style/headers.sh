#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every header compiles alone.
# shellcheck source=tests/style/common
. "$(dirname "$0")/common"
check() {
    gcc -std=c11 -D_GNU_SOURCE -Wall -Wextra -I. -isystem /usr/include/postgresql -fsyntax-only \
        -include "$1" -x c /dev/null 2>&1 | grep -m1 -E 'error|warning' | sed "s|^|$1\t|"
}
export -f check
# shellcheck disable=SC2016 # expanded by the inner shell
files '*.h' | xargs -r -P2 -I{} bash -c 'check "$1"' check {} | report
finish
