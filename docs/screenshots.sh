#!/usr/bin/env bash
# docs/screenshots.sh: makes docs/page.png, docs/board.png and docs/init.png, the pictures of the README, from what the program really shows.
#   page.png    the public page of case A on the evening of 24 January, on a desk and on a phone
#   board.png   `rundruf status` while Mastodon is down and e-mail held: the demo is halted at that moment, and a terminal (tmux) captured
#   init.png    `rundruf init` in an empty folder, three questions answered
# Wants tmux and what tests/setup installs (chromium, playwright-core). RUNDRUF names another binary than target/release/rundruf.
set -euo pipefail
docs=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$docs")
rundruf=${RUNDRUF:-${CARGO_TARGET_DIR:-$root/target}/release/rundruf}
[ -n "${RUNDRUF:-}" ] || (cd "$root" && cargo build --release --quiet)
command -v tmux >/dev/null || { echo "docs/screenshots.sh wants tmux (Debian package tmux)" >&2; exit 2; }
work=$(mktemp -d)
demo=
tidy() {
    [ -z "$demo" ] || { kill -TERM "$demo" && kill -CONT "$demo"; } 2>/dev/null || true
    while [ -n "$demo" ] && kill -0 "$demo" 2>/dev/null; do sleep 0.1; done
    tmux -L rundruf-docs kill-server 2>/dev/null || true
    rm -rf "$work"
}
trap tidy EXIT

# The command, again and again until it succeeds, for a minute at most.
await() {
    for _ in $(seq 600); do ! "$@" || return 0; sleep 0.1; done
    echo "docs/screenshots.sh waited in vain: $*" >&2
    exit 1
}

# The page, as it was: the notices of 16 and 24 January, at five past six in the evening.
mkdir "$work/a"
cat >"$work/a/channels.toml" <<'TOML'
[site]
url = "https://info.potsdam.example"
[publisher.potsdam]
name = "Landeshauptstadt Potsdam"
languages = ["de", "de-simple", "en"]
timezone = "Europe/Berlin"
phone = "115"
[publisher.potsdam.imprint]
name = "Landeshauptstadt Potsdam"
address = "Beispielstraße 1, 14469 Potsdam"
represented_by = "Der Oberbürgermeister"
phone = "115"
email = "info@potsdam.example"
responsible = "Pressestelle, Anschrift wie oben"
[channel.website]
kind = "website"
targets = ["file:public"]
TOML
for notice in 1-2023-01-16 2-2023-01-24; do
    (cd "$work/a" && "$rundruf" publish "$root/examples/a-potsdam/$notice.toml" --yes >/dev/null)
done
(cd "$work/a" && "$rundruf" export site --now 2023-01-24T18:05:00+01:00 >/dev/null)

# The board: as soon as the demo says that only Mastodon waits, it is halted, and with it Mastodon stays away.
mkdir "$work/tmp" "$work/bin"
term=(tmux -L rundruf-docs -f /dev/null)
shows() { "${term[@]}" capture-pane -p -t "$1" | grep -q "$2"; }
# On a terminal it leaves readers their time.
LANG=C.UTF-8 "${term[@]}" new-session -d -s demo -x 80 -y 60 "exec env TMPDIR='$work/tmp' '$rundruf' demo"
demo=$("${term[@]}" list-panes -t demo -F '#{pane_pid}')
await shows demo '^24 January, 18:00'
began=$(date +%s)
await shows demo 'Only Mastodon waits'
kill -STOP "$demo"
# It is 24 January 2023 in the demo, so it is for the command too.
cat >"$work/bin/rundruf" <<SH
#!/bin/sh
exec "$rundruf" --clock-ahead "$(( ($(date -d 2023-01-24T18:00:00+01:00 +%s) - began) * 1000 ))" "\$@"
SH
chmod +x "$work/bin/rundruf"
LANG=C.UTF-8 "${term[@]}" new-session -d -s board -x 80 -y 24 \
    "cd '$work'/tmp/rundruf-demo-* && PATH='$work/bin':\$PATH PS1='\$ ' LANG=C.UTF-8 exec bash --norc --noprofile"
await shows board '^\$'
"${term[@]}" send-keys -t board 'rundruf status' Enter
await shows board '^website'
"${term[@]}" capture-pane -p -e -t board >"$work/board.txt"

# The first questions of `init`, as they are typed to.
mkdir "$work/init" "$work/own"
ln -s "$rundruf" "$work/own/rundruf"
LANG=C.UTF-8 "${term[@]}" new-session -d -s init -x 80 -y 31 \
    "cd '$work'/init && PATH='$work/own':\$PATH PS1='\$ ' LANG=de_DE.UTF-8 exec bash --norc --noprofile"
await shows init '^\$'
"${term[@]}" send-keys -t init "rundruf init" Enter
for answer in '1/6=Stadt Beispielburg' '2/6=Brandenburg' '3/6=115'; do
    await shows init "^${answer%%=*}"
    "${term[@]}" send-keys -t init "${answer#*=}" Enter
done
await shows init '^4/6'
await shows init 'musterstadt-info.example'
"${term[@]}" capture-pane -p -e -t init >"$work/init.txt"

RUNDRUF_NODE_PEERS=${RUNDRUF_NODE_PEERS:-$root/target/peers/node} \
    node "$docs/screenshots.mjs" "$work/a/site" "$work/board.txt" "$work/init.txt" "$docs"
ls -l "$docs"/*.png
