#!/usr/bin/env bash
# sftp.sh start DIR PORT | stop DIR | check      needs: Debian openssh-server (and openssh-client)
# A real OpenSSH daemon for SFTP only, on loopback. Made in DIR: host key, user key (DIR/id),
# DIR/known_hosts; uploads land under DIR/www (sftp starts there). Log in as the user who starts it.
#   sftp -i DIR/id -P PORT -o UserKnownHostsFile=DIR/known_hosts -o IdentitiesOnly=yes USER@127.0.0.1
# For a login by password see sftp_password.sh.
# LOG=1 writes every request to DIR/requests (needs openssh-sftp-server, which openssh-server brings).
# Failures: chmod 555 DIR/www (as non-root), READONLY=1, DENY=posix-rename (requests it does not know), stop, or kill the session process mid-upload.
set -eu
. "$(dirname "$0")/peer.sh"
SSHD=${SSHD:-/usr/sbin/sshd}
case ${1:-} in
check)
    [ -x "$SSHD" ] || missing sshd "Debian openssh-server"
    has_program sftp "Debian openssh-client" ;;
start)
    dir=$(mkdir -p "$2" && cd "$2" && pwd) port=$3
    mkdir -p "$dir/www"
    [ -f "$dir/host" ] || ssh-keygen -q -t ed25519 -N '' -f "$dir/host"
    [ -f "$dir/id" ] || ssh-keygen -q -t ed25519 -N '' -f "$dir/id"
    cp "$dir/id.pub" "$dir/authorized_keys"
    echo "[127.0.0.1]:$port $(cut -d' ' -f1,2 "$dir/host.pub")" >"$dir/known_hosts"
    # The one inside sshd writes to the system's log only.
    server=internal-sftp
    [ -z "${LOG:-}" ] || server="/usr/lib/openssh/sftp-server -e -l DEBUG1"
    cat >"$dir/sshd_config" <<CONF
ListenAddress 127.0.0.1:$port
HostKey $dir/host
AuthorizedKeysFile $dir/authorized_keys
PidFile $dir/sshd.pid
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
AllowTcpForwarding no
X11Forwarding no
Subsystem sftp internal-sftp
ForceCommand $server ${READONLY:+-R} ${DENY:+-P $DENY} -d $dir/www ${LOG:+2>>$dir/requests}
CONF
    # as root, sshd wants its privilege separation folder
    [ "$(id -u)" = 0 ] && mkdir -p -m 755 /run/sshd
    "$SSHD" -D -e -f "$dir/sshd_config" >"$dir/log" 2>&1 </dev/null &
    echo $! >"$dir/pid"
    ready "$dir" "$port"
    follow_owner "$dir" ;;
stop) end_all "$2" pid ;;
*) usage ;;
esac
