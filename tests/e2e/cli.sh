#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The command line against a running market: a task from submit to paid, what it prints, its exit codes.
set -uo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
cli=${COMPUTEFI_BUILD:-$root/build}/bin/computefi
work=$(mktemp -d /tmp/computefi-cli-XXXXXX)
chmod 0711 "$work"
passed=0
failed=0

cleanup() {
    "$root/deploy/local/down" --dir "$work/m" >/dev/null 2>&1
    rm -rf "$work"
}
trap cleanup EXIT

expect() { # NAME COMMAND...
    local name=$1
    shift
    if "$@" >"$work/out" 2>&1; then
        echo "PASS $name"
        passed=$((passed + 1))
    else
        echo "FAIL $name"
        sed 's/^/  /' "$work/out"
        failed=$((failed + 1))
    fi
}
exits() { # CODE COMMAND...: also keeps what it printed
    local want=$1 got
    shift
    "$@"
    got=$?
    [ "$got" = "$want" ] || { echo "exit $got, expected $want"; return 1; }
}
prints() { # PATTERN COMMAND...
    local pattern=$1
    shift
    "$@" >"$work/printed" 2>&1 # whatever it exits with
    cat "$work/printed"
    grep -qE -- "$pattern" "$work/printed"
}
refuses_key() {
    COMPUTEFI_API_KEY=cfk_00000000000000000000000000_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA exits 4 \
        "$cli" --api "$(jq -r .api "$work/m/market.json")" balance
}
runs_as_curl() { # the printed command does the same
    local api key
    api=$(jq -r .api "$work/m/market.json")
    key=$(jq -r .keys.requester "$work/m/market.json")
    COMPUTEFI_API_KEY=$key bash -c "$(COMPUTEFI_API_KEY=$key "$cli" --api "$api" --curl account show)" | jq -e '.object == "account"'
}
cfi() { "$cli" --market "$work/m/market.json" "$@"; }
same_again() { # one idempotency key, one task
    local a b
    a=$(cfi task submit "${task[@]}" --idempotency-key the-same-key --quiet) || return 1
    b=$(cfi task submit "${task[@]}" --idempotency-key the-same-key --quiet) || return 1
    [ -n "$a" ] && [ "$a" = "$b" ] || { echo "$a, then $b"; return 1; }
}
shows_json() { [ "$(cfi task get "$id" --json | jq -r .state)" = paid ]; }
cancels() {
    local task_id
    task_id=$(cfi task submit "${task[@]}" --bidding 20000 --quiet) || return 1
    cfi task cancel "$task_id" && exits 6 cfi task wait "$task_id" --timeout 20
}
completes() { "$cli" completion bash >"$work/completion" && bash -n "$work/completion" && [ -s "$work/completion" ]; }
other_body() {
    cfi task submit "${task[@]}" --label other --idempotency-key the-same-key
}

"$root/deploy/local/up" --dir "$work/m" --port 0 --detach --no-demo --providers 2 --verifiers 4 >"$work/up" 2>&1 ||
    { cat "$work/up"; echo "0 passed, 1 failed"; exit 1; }
header=$(printf '01000000%0144d' 0)
task=(--kind mining.sha256d --input "{\"header\":\"$header\",\"bits\":\"1f00ffff\"}" --max-price 2cys)

expect "help lists the commands" prints '^  task submit' "$cli" --help
expect "help of a command names its flags" prints '--max-price' "$cli" task submit --help
expect "help is a word too, as the README says" prints '^  task submit' "$cli" help
expect "help of a noun lists its verbs" prints 'computefi task wait TASK' "$cli" help task
expect "help of nothing we know is a usage error" exits 2 "$cli" help juggle
expect "an unknown command is a usage error" exits 2 "$cli" juggle
expect "an unknown flag is a usage error" exits 2 "$cli" balance --shout
expect "a missing flag is a usage error" exits 2 "$cli" task submit --kind x
expect "a missing argument is a usage error" exits 2 "$cli" task get
expect "an amount that is none is a usage error" exits 2 cfi faucet --amount 1.2.3cys
expect "nobody listening says try again" exits 5 "$cli" --api http://127.0.0.1:1 --timeout 1 stats
expect "a wrong key is an authentication error" refuses_key
expect "a missing task is not found" exits 3 cfi task get task_00000000000000000000000000
expect "a refused field is named" prints 'at /max_price_gwei' cfi task submit --kind mining.sha256d --input '{}' --max-price 0
expect "the printed curl command works" runs_as_curl
expect "a task is followed to paid" prints '  paid  ' cfi task submit "${task[@]}" --wait --timeout 90
id=$(cfi task list --quiet --limit 1)
expect "waiting for a paid task exits 0" exits 0 cfi task wait "$id" --timeout 10
expect "its auction names the winner" prints ' won ' cfi auction "$id"
expect "its committee accepted" prints 'quorum 5: accept' cfi committee "$id"
expect "its settlement explains the refund" prints 'the rest of the escrow returns' cfi settlement "$id"
expect "its result is the requester's" prints 'result_digest' cfi task result "$id"
expect "nobody else reads the result" exits 4 cfi task result "$id" --as provider1
expect "its events tell the life" prints 'verifying +accepted' cfi task events "$id" --limit 100
expect "--json is JSON" shows_json
expect "the same idempotency key gives the same task" same_again
expect "with another body it is refused" exits 1 other_body
expect "a key is made" prints 'cfk_' cfi key create --name reader --scopes read
expect "a task can be cancelled" cancels
expect "operators run the invariants" prints ' 0 violations' cfi invariants --file "$root/sql/invariants.sql"
expect "vectors are verified" exits 0 "$cli" verify keccak "$root"/tests/vectors/keccak/*.json
expect "a family that does not exist is a usage error" exits 2 "$cli" verify nonsense "$root/tests/vectors/README.md"
expect "completion is valid bash" completes

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
