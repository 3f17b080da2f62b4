#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The dependency direction: which folder may include which, and who alone may touch a library.
# shellcheck source=tests/style/common
. "$(dirname "$0")/common"

# layer: the layers it may include besides itself. The main.c files see everything.
layers='
core
crypto core
domain core crypto
workload core crypto domain
db core
sql core db
http core
queue core
client core
chain core crypto client
proc core
api core crypto domain workload db sql http
workers core crypto domain workload db sql queue client chain proc
agent core crypto domain workload client proc
cli core crypto domain workload client proc
'

# Executors run programs; they are linked into the agent (and the checkers that run one) only.
executors='^server/workload/.*/(execute|prove|verify_run)[a-z_]*\.c$'

files '*.c' '*.h' | grep -E '^(server|sql|api|workers)/' | grep -vE '(^|/)main\.c$' |
    xargs -r grep -HnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' |
    awk -v layers="$layers" -v executors="$executors" '
    function layer(path, part) {
        split(path, part, "/")
        if (part[1] == "server") return part[2]
        if (part[1] == "workers" && (part[2] == "agent" || part[2] == "cli")) return part[2]
        return part[1]
    }
    BEGIN {
        n = split(layers, line, "\n")
        for (i = 1; i <= n; i++) {
            m = split(line[i], word, " ")
            if (m > 0) { known[word[1]] = 1; may[word[1], word[1]] = 1 }
            for (j = 2; j <= m; j++) may[word[1], word[j]] = 1
        }
    }
    {
        split($0, at, ":"); file = at[1]
        target = $0; sub(/^[^"]*"/, "", target); sub(/".*/, "", target)
        from = layer(file); to = layer(target)
        if (!(from in known)) { print file "\tis in no known layer"; next }
        if (target !~ /^(server|sql|api|workers|tests)\//) {
            print file "\tincludes \"" target "\", not written from the root"; next
        }
        if ((from, to) in may) next
        if (to == "proc" && file ~ executors) next
        print file "\tincludes \"" target "\": " from " must not know " to
    }' | report

# Libraries that one folder alone calls.
only() { # FOLDER PATTERN
    files '*.c' '*.h' | grep -E '^(server|sql|api|workers)/' | grep -v "^$1/" |
        xargs -r grep -HnE "$2" | awk -F: -v home="$1" '{ print $1 "\tline " $2 ": only " home " may call this library" }'
}
{
    only server/db '(<libpq-fe\.h>|\bPQ[a-z][A-Za-z]*[ ]*\(|\bPG(conn|result)\b)'
    only server/http '(<microhttpd\.h>|\bMHD_[A-Za-z]+)'
    only server/queue '(<hiredis/|\bredis(Command|Connect|Free|Reply|Context|Append|Get|Buffer)[A-Za-z]*\b)'
    only server/client '(<curl/|\bcurl_[a-z]+_)'
    only server/proc '(<seccomp\.h>|\bseccomp_[a-z]+)'
} | report
finish
