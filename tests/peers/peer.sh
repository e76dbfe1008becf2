# What every peer script shares; sourced, not run. Names the interpreters, waits for a port, stops what DIR's pid files name.
# Each script knows four verbs: check (is everything installed? else says what is missing, exit 1), start DIR PORT [more],
# stop DIR, and its own. Only 127.0.0.1 is listened on.
peers=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
made=${RUNDRUF_PEERS:-$peers/../../target/peers}
PYTHON=${PYTHON:-$made/venv/bin/python}
[ -x "$PYTHON" ] || PYTHON=python3
NODE_PEERS=${NODE_PEERS:-$made/node}

missing() { echo "$1 not installed ($2)" >&2; exit 1; }
has_program() { command -v "$1" >/dev/null || missing "$1" "$2"; }
has_module() { "$PYTHON" -c "import $1" 2>/dev/null || missing "$1" "PyPI $2; tests/setup installs it"; }

# Becomes the command, in a name space of mounts of its own: what it mounts nobody else sees, and it is gone with its last process.
own_mounts() { exec unshare --mount "$@"; }
has_own_mounts() {
    (own_mounts mount -t tmpfs -o size=64k none /mnt) 2>/dev/null || missing "a mount of its own" "only root may"
}
# on_small_disk DIR SIZE COMMAND...: the command sees an empty disk of SIZE at DIR, nobody else does.
on_small_disk() {
    local dir=$1 size=$2
    shift 2
    own_mounts sh -c 'mount -t tmpfs -o size="$2" none "$1" && shift 2 && exec "$@"' sh "$dir" "$size" "$@"
}
# on_readonly_disk DIR COMMAND...: the command can change nothing at DIR.
on_readonly_disk() {
    local dir=$1
    shift
    own_mounts sh -c 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"' sh "$dir" "$@"
}

# ready DIR PORT: waits until PORT answers; fails at once, with the log, when the process of DIR/pid is gone.
ready() {
    local _
    for _ in $(seq 400); do
        (exec 3<>"/dev/tcp/127.0.0.1/$2") 2>/dev/null && return 0
        alive "$(cat "$1/pid")" || { tail -n 20 "$1/log" >&2; return 1; }
        sleep 0.05
    done
    echo "port $2 did not open in 20 s" >&2
    return 1
}

# Is the process there and working? One that has ended and only waits for its parent to notice is gone.
alive() { kill -0 "$1" 2>/dev/null && ! grep -qs '^State:.Z' "/proc/$1/status"; }

# end_all DIR NAME...: ends the processes that DIR/NAME name and waits until they are gone; a second call does nothing.
end_all() {
    local dir=$1 name pid _
    shift
    for name; do
        [ -f "$dir/$name" ] || continue
        pid=$(cat "$dir/$name")
        rm -f "$dir/$name"
        kill "$pid" 2>/dev/null || continue
        for _ in $(seq 100); do
            alive "$pid" || continue 2
            sleep 0.05
        done
        kill -9 "$pid" 2>/dev/null || true
    done
}

# follow_owner DIR: when PEER_OWNER names a process, the peer ends with it, however that one died.
follow_owner() {
    [ -n "${PEER_OWNER:-}" ] || return 0
    { tail --pid="$PEER_OWNER" -s 1 -f /dev/null; [ -d "$1" ] && "$0" stop "$1"; } </dev/null >/dev/null 2>&1 &
    disown
}

usage() { sed -n '2s/^# /usage: /p' "$0" >&2; exit 2; }
