#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The style checks can fail: each is given a small tree with one violation and must name it.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
passed=0
failed=0

# expect NAME CHECK PATTERN: CHECK over the tree must fail with a line matching PATTERN.
expect() {
    local out
    if out=$(COMPUTEFI_BUILD=$tree/build "$here/$2.sh" "$tree" 2>&1) || ! grep -qE "$3" <<<"$out"; then
        echo "FAIL $1"
        echo "$out"
        failed=$((failed + 1))
    else
        echo "PASS $1"
        passed=$((passed + 1))
    fi
    rm -rf "${tree:?}"/*
}
put() {
    mkdir -p "$tree/$(dirname "$1")"
    cat >"$tree/$1"
}
spdx='/* SPDX-License-Identifier: Apache-2.0 */'

put server/core/a.c <<<'#include "server/db/run.h"'
expect "core must not know db" includes 'core must not know db'
put api/a.c <<<'#include "server/queue/queue.h"'
expect "api must not know queue" includes 'api must not know queue'
put server/core/a.c <<<'#include "err.h"'
expect "includes are written from the root" includes 'not written from the root'
put workers/a.c <<<'void f(void) { PQexec(c, "x"); }'
expect "only db calls libpq" includes 'only server/db may call'
put server/core/a.c < <(echo 'int f(void)'; echo '{'; yes '    ;' | head -70; echo '    return 0;'; echo '}')
expect "a function of 74 lines" limits 'a.c:f: function of 7. lines'
put api/a.c < <(yes '' | head -301)
expect "a handler of 301 lines" limits 'file of 301 lines, the limit is 300'
put server/core/a.c < <(printf '/*%099d*/\n' 0)
expect "a line of 103 columns" limits 'has 103 columns'
put server/core/a.h <<<'uint32_t f(void);'
expect "a header that needs another first" headers "unknown type name"
put server/core/a.c <<<'int x;'
expect "a file without licence" words 'has no SPDX line'
put server/core/a.c < <(echo "$spdx"; echo '/* FIX''ME */')
expect "a mark of unfinished work" words 'marked unfinished'
put tests/package-lock.json <<<'"resolved": "https://example.org/x.tgz"'
expect "a lock file with addresses" words 'locks a download address'
put package.json <<<'{}'
expect "a stray file at the top" words 'does not belong'
put server/core/a.c <<<'int counter; int f(void) { static int n = 1; return counter++ + n++; }'
mkdir -p "$tree/build/obj/server/core"
gcc -c -o "$tree/build/obj/server/core/a.o" "$tree/server/core/a.c"
expect "a mutable global" globals 'a.c:n\.[0-9]+: mutable global'
put sql/functions/a.sql <<<'CREATE OR REPLACE FUNCTION lonely() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$;'
expect "a function nobody calls" functions 'is called by nothing'
put server/core/a.c <<<"$spdx"
put tests/style/allow <<<'words server/core/a.c it was needed once'
expect "an exception that excuses nothing" words 'excuses nothing'

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
