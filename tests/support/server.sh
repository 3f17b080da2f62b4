# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What postgres-up, redis-up and their opposites share.

test_server_args() {
    TEST_OWNER=''
    TEST_MODE=test
    TEST_DIR=''
    while [ $# -gt 0 ]; do
        case $1 in
        --owner) TEST_OWNER=$2 && shift 2 ;;
        --durable) TEST_MODE=run && shift ;;
        -*) cf_die "unknown option $1" ;;
        *) TEST_DIR=$1 && shift ;;
        esac
    done
    if [ -z "$TEST_DIR" ]; then
        TEST_DIR=$(mktemp -d /tmp/computefi-test-XXXXXX)
        chmod 0711 "$TEST_DIR"
    fi
}

# Ends the server with its owner, also when the owner is killed and can run nothing.
test_server_guard() {
    local owner=$TEST_OWNER dir=$TEST_DIR down=$1 start
    [ -n "$owner" ] || return 0
    start=$(cf_start_time "$owner") || return 0
    (
        trap '' INT TERM HUP
        while cf_alive "$owner" "$start"; do sleep 0.5; done
        "$down" "$dir"
    ) </dev/null >/dev/null 2>&1 &
}

# Removes what a test server left, once neither server runs there.
test_server_remove() {
    rm -rf "$(cf_socket_dir "$1")"
    case $1 in
    /tmp/computefi-test-*) rm -rf "$1" ;;
    esac
}
