#!/usr/bin/env bash
# mastodon.sh start DIR PORT | stop DIR | check      needs: PyPI mastodon-mock (tests/peers/requirements.txt)
# A stateful emulator of the Mastodon API (not Mastodon); token "mock_token", honours Idempotency-Key.
# Its books are DIR/mastodon.db, so that what was posted outlives a stop and a new start. KEEP=0 keeps them in memory.
# Failures on demand: POST /api/v1/_mock/faults
#   {"match":{"methods":["POST"],"path":"/api/v1/statuses"},
#    "effect":{"type":"status|ratelimit|latency|malformed|timeout","status":503},"count":2}
set -eu
. "$(dirname "$0")/peer.sh"
case ${1:-} in
check) has_module mastodon_mock mastodon-mock ;;
start)
    dir=$(mkdir -p "$2" && cd "$2" && pwd) port=$3
    cat >"$dir/mastodon.toml" <<CONF
[database]
path = "$dir/mastodon.db"
CONF
    where=(--config "$dir/mastodon.toml")
    [ "${KEEP:-1}" = 0 ] && where=(--in-memory)
    (cd "$dir" && exec "$PYTHON" -m mastodon_mock serve "${where[@]}" --host 127.0.0.1 --port "$port" \
        --domain "127.0.0.1:$port" >>log 2>&1 </dev/null) &
    echo $! >"$dir/pid"
    ready "$dir" "$port"
    follow_owner "$dir" ;;
stop) end_all "$2" pid ;;
*) usage ;;
esac
