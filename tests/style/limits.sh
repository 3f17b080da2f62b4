#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Length limits: functions 70 lines, .c files 600 (handlers 300), headers 200, lines 100 columns.
# shellcheck source=tests/style/common
. "$(dirname "$0")/common"
command -v ctags >/dev/null || { echo "ctags is missing; run: make deps"; exit 1; }

files '*.c' | xargs -r ctags -x --c-kinds=f --fields=+e --_xformat='%{input} %n %N %{end}' |
    awk '{ lines = $4 - $2 + 1; if (lines > 70) print $1 ":" $3 "\tfunction of " lines " lines" }' | report
# shellcheck disable=SC2016 # awk's own variables
files '*.c' '*.h' | xargs -r awk '
    function judge() {
        limit = last ~ /\.h$/ ? 200 : last ~ /^api\// ? 300 : 600
        if (lines > limit) print last "\tfile of " lines " lines, the limit is " limit
    }
    FNR == 1 && last != "" { judge() }
    length($0) > 100 { print FILENAME "\tline " FNR " has " length($0) " columns" }
    { last = FILENAME; lines = FNR }
    END { judge() }' | report
finish
