#!/usr/bin/env python3
"""A TCP proxy that fails on demand.   usage: faultproxy.py DIR PORT TARGET_PORT   (standard library only)

The word in DIR/mode, read for every new connection, says what happens to it:
  pass               carry both ways (also when the file is absent)
  refuse             close at once with a reset
  hang               take the connection, carry nothing (times the client out)
  lose-answer        carry the request to the target, swallow the answer, then reset:
                     the target did the work and the client cannot know
  cut-answer N       carry N bytes of the answer, then reset
  cut-request N      carry N bytes of the request, then reset both sides
  slow MS            carry, with MS milliseconds before every piece
  http CODE [SECS]   answer CODE itself (SECS: a Retry-After); the target is never asked.
                     The body is DIR/body when that file is there, else empty; the lines of DIR/headers
                     ("Name: value") are added, so that a 503 with an HTML page or a 429 with a service's
                     own X-RateLimit-Reset can be answered. In a header line {+N} becomes the time N seconds
                     from now in RFC 3339, {@N} the same as seconds since 1970.
"MODE xK" (for example "refuse x2") means: for the next K connections only, then pass; "MODE xK then OTHER": then OTHER.
DIR/log has a line for each connection. kill -USR1 PID resets the connections that are open;
kill -USR2 PID closes those that were opened before: at once where they rest (nothing carried yet, or the last piece came
from the target), the others as soon as they do, for two seconds at most; then DIR/turned is there.
"""
import asyncio, datetime, pathlib, re, signal, socket, struct, sys

root, port, target = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
root.mkdir(parents=True, exist_ok=True)
live = set()
pairs = set()  # (client's writer, target's writer) of every connection that is carried
resting = set()  # those of them that are between an answer and the next request


def read(name, otherwise=b""):
    try:
        return (root / name).read_bytes()
    except FileNotFoundError:
        return otherwise


def mode():
    text = read("mode").decode().strip() or "pass"
    m = re.fullmatch(r"(.*?) x(\d+)( then (.*))?", text)
    if not m:
        return text.split()
    left = int(m[2]) - 1
    (root / "mode").write_text(f"{m[1]} x{left}{m[3] or ''}" if left > 0 else m[4] or "pass")
    return m[1].split()


def reset(writer):
    sock = writer.get_extra_info("socket")
    if sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def answer(code, seconds=None):
    """The whole answer of mode http."""
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    later = lambda m: now + datetime.timedelta(seconds=int(m[1]))
    extra = read("headers").decode()
    extra = re.sub(r"\{\+(\d+)\}", lambda m: later(m).isoformat().replace("+00:00", "Z"), extra)
    extra = re.sub(r"\{@(\d+)\}", lambda m: str(int(later(m).timestamp())), extra)
    lines = [line.strip() for line in extra.splitlines() if line.strip()]
    if seconds is not None:
        lines.append(f"Retry-After: {seconds}")
    body = read("body")
    lines += [f"Content-Length: {len(body)}", "Connection: close"]
    return "\r\n".join([f"HTTP/1.1 {code} Fault", *lines, "", ""]).encode() + body


async def carry(reader, writer, pair, limit=None, delay=0.0, back=False):
    """Copy until the end or the limit; True when the limit was met."""
    done = 0
    while data := await reader.read(65536):
        resting.discard(pair)
        await asyncio.sleep(delay)
        if limit is not None:
            data = data[: limit - done]
        done += len(data)
        writer.write(data)
        await writer.drain()
        if limit is not None and done >= limit:
            return True
        if back:
            resting.add(pair)
    if writer.can_write_eof():
        writer.write_eof()
    return False


async def serve(reader, writer):
    kind, *args = mode()
    print(kind, *args, flush=True)
    live.add(writer)
    up = pair = None
    try:
        if kind == "refuse":
            return
        if kind == "hang":
            await reader.read(-1)
            await asyncio.sleep(3600)
        if kind == "http":
            head = await reader.readuntil(b"\r\n\r\n")
            if re.search(rb"(?im)^expect: *100-continue", head):
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            size = re.search(rb"(?im)^content-length: *(\d+)", head)
            if re.search(rb"(?im)^transfer-encoding:.*chunked", head):
                await reader.readuntil(b"0\r\n\r\n")
            else:
                await reader.readexactly(int(size[1]) if size else 0)
            writer.write(answer(*args))
            await writer.drain()
            writer.close()
            return
        r, up = await asyncio.open_connection("127.0.0.1", target)
        live.add(up)
        pair = (writer, up)
        pairs.add(pair)
        resting.add(pair)
        if kind == "lose-answer":
            there = asyncio.create_task(carry(reader, up, pair))
            await r.read(1)
            await asyncio.sleep(0.2)
            there.cancel()
            return
        delay = int(args[0]) / 1000 if kind == "slow" else 0
        there = asyncio.create_task(carry(reader, up, pair, int(args[0]) if kind == "cut-request" else None, delay))
        back = asyncio.create_task(carry(r, writer, pair, int(args[0]) if kind == "cut-answer" else None, delay, True))
        if kind in ("cut-answer", "cut-request"):
            await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
            there.cancel(), back.cancel()
            return
        await asyncio.gather(there, back)
        writer.close()
        up.close()
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        pass
    finally:
        pairs.discard(pair)
        resting.discard(pair)
        for w in (writer, up):
            live.discard(w)
            if w and not w.is_closing():
                reset(w)


async def turn():
    """Without this a client's request could still go over a connection that was opened in the former mode."""
    old = set(pairs)
    for _ in range(200):
        for pair in old & resting:
            for w in pair:
                w.close()
        old &= pairs - resting
        if not old:
            break
        await asyncio.sleep(0.01)
    (root / "turned").touch()


async def main():
    loop = asyncio.get_running_loop()
    turns = []  # a task that nobody holds may be collected
    loop.add_signal_handler(signal.SIGUSR1, lambda: [reset(w) for w in list(live)])
    loop.add_signal_handler(signal.SIGUSR2, lambda: turns.append(asyncio.create_task(turn())))
    server = await asyncio.start_server(serve, "127.0.0.1", port, limit=1 << 24)
    async with server:
        await server.serve_forever()

asyncio.run(main())
