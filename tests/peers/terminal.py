"""terminal.py COMMAND...: runs a command on a terminal of its own and types the lines of standard input, each when a prompt
("> ") waits for it; behind the last one Ctrl+D. What the terminal showed goes to standard output; the exit code is the command's."""
import os
import pty
import select
import sys

lines = sys.stdin.read().splitlines()
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
shown = b""
waiting = 0
while True:
    # Nothing is measured by it: a command that says nothing for so long hangs.
    if not select.select([terminal], [], [], 60)[0]:
        os.kill(pid, 9)
        break
    try:
        piece = os.read(terminal, 4096)
    except OSError:  # Linux says EIO when the command has closed its end
        break
    if not piece:
        break
    shown += piece
    if shown[waiting:].endswith(b"> "):
        waiting = len(shown)
        os.write(terminal, lines.pop(0).encode() + b"\n" if lines else b"\x04")
sys.stdout.buffer.write(shown.replace(b"\r\n", b"\n"))
_, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status) % 256)
