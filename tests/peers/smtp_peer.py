#!/usr/bin/env python3
"""A scriptable SMTP server on aiosmtpd: real SMTP, answers chosen by the test.

usage: smtp_peer.py DIR PORT        (DIR holds everything it reads and writes)
  DIR/mail/N.eml   each accepted message, with X-Peer-From, X-Peer-To and X-Peer-TLS lines on top
  DIR/commands     a line per session and command: connect, EHLO name, AUTH, MAIL address, RCPT address, DATA, TAKEN n, QUIT
  DIR/rules.json   read anew at every command; absent = accept all. Keys, all optional:
      {"connect": "421 4.3.2 down", "ehlo": "...", "auth": "...", "mail": "...", "rcpt": "451 4.7.1 greylisted",
       "data": "552 5.3.4 too big",                        # the answer to the finished mail
       "data_command": "451 4.3.0 no",                     # the answer to DATA itself
       "rcpt_match": {"bounce@": "550 5.1.1 no such user"},
       "data_match": {"full@": "552 5.2.2 mailbox full"},  # the answer to the finished mail by recipient
       "times": 2,            # stop failing after this many refusals (counted in DIR/refused)
       "delay": 5,            # seconds before the answer to the finished mail
       "drop_after_data": true}  # keeps the mail, says nothing, closes: the client cannot know
    An answer "drop" closes the connection instead, "hang" says nothing more.
environment: SMTP_USER/SMTP_PASS ask for AUTH; SMTP_TLS=starttls|tls with DIR/cert.pem and DIR/key.pem, STARTTLS before MAIL then
             required; SMTP_PIPELINING=0 does not offer it
"""
import asyncio, itertools, json, os, pathlib, ssl, sys
from aiosmtpd.smtp import SMTP, AuthResult

root, port = pathlib.Path(sys.argv[1]), int(sys.argv[2])
mail = root / "mail"
mail.mkdir(parents=True, exist_ok=True)
count = itertools.count(len(list(mail.glob("*.eml"))) + 1)
commands = open(root / "commands", "a", buffering=1)


def note(*words):
    print(*words, file=commands)


def rules():
    try:
        return json.loads((root / "rules.json").read_text())
    except FileNotFoundError:
        return {}


def refused():
    try:
        return int((root / "refused").read_text())
    except FileNotFoundError:
        return 0


def spent(r):
    """True where the rules have refused often enough; counts this refusal where not."""
    if "times" in r and refused() >= r["times"]:
        return True
    (root / "refused").write_text(str(refused() + 1))
    return False


async def answer(server, key, address=""):
    """The refusal that the rules ask for at this step, or None."""
    r = rules()
    said = next((v for k, v in r.get(f"{key}_match", {}).items() if k in address), None)
    said = said or (None if key not in r or spent(r) else r[key])
    if said == "drop":
        server.transport.abort()
    elif said == "hang":
        await asyncio.sleep(3600)
    return said


class Handler:
    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        note("EHLO", hostname)
        session.host_name = hostname
        if said := await answer(server, "ehlo"):
            return [said]
        if os.environ.get("SMTP_PIPELINING") != "0":
            responses.insert(-1, "250-PIPELINING")
            responses.insert(-1, "250-ENHANCEDSTATUSCODES")
        return responses

    async def handle_MAIL(self, server, session, envelope, address, options):
        note("MAIL", address)
        if said := await answer(server, "mail", address):
            return said
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        note("RCPT", address)
        if said := await answer(server, "rcpt", address):
            return said
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server, session, envelope):
        r = rules()
        if r.get("delay"):
            await asyncio.sleep(r["delay"])
        if said := await answer(server, "data", ", ".join(envelope.rcpt_tos)):
            return said
        n = next(count)
        head = f"X-Peer-From: {envelope.mail_from}\r\nX-Peer-To: {', '.join(envelope.rcpt_tos)}\r\n"
        head += f"X-Peer-TLS: {'yes' if session.ssl else 'no'}\r\n"
        tmp = mail / f".{n}.tmp"
        tmp.write_bytes(head.encode() + envelope.original_content)
        tmp.rename(mail / f"{n}.eml")
        note("TAKEN", n)
        if r.get("drop_after_data") and not spent(r):
            server.transport.abort()
        return f"250 2.0.0 queued as {n}"

    async def handle_QUIT(self, server, session, envelope):
        note("QUIT")
        return "221 2.0.0 Bye"


class Server(SMTP):
    async def _handle_client(self):
        note("connect")
        if said := await answer(self, "connect"):
            if not self.transport.is_closing():
                await self.push(said)
            self.transport.close()
            return
        await super()._handle_client()

    async def smtp_DATA(self, arg):
        note("DATA")
        # Only where DATA would be taken: a client that sends it in one piece with a refused recipient gets the usual 503.
        if self.envelope.rcpt_tos and (said := await answer(self, "data_command")):
            return await self.push(said)
        return await super().smtp_DATA(arg)


def authenticate(server, session, envelope, mechanism, data):
    note("AUTH")
    r = rules()
    if "auth" in r and not spent(r):
        return AuthResult(success=False, handled=False, message=r["auth"])
    ok = (data.login.decode(), data.password.decode()) == (os.environ["SMTP_USER"], os.environ["SMTP_PASS"])
    return AuthResult(success=ok, handled=False, message=None if ok else "535 5.7.8 bad credentials", auth_data=data)


async def main():
    kw = dict(hostname="mail.test", enable_SMTPUTF8=True)
    wrapped = None
    if mode := os.environ.get("SMTP_TLS"):
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(root / "cert.pem", root / "key.pem")
        if mode == "tls":
            wrapped = tls
        else:
            kw.update(tls_context=tls, require_starttls=True)
    if "SMTP_USER" in os.environ:
        kw.update(authenticator=authenticate, auth_required=True, auth_require_tls=os.environ.get("SMTP_TLS") == "starttls")
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Server(Handler(), loop=loop, **kw), "127.0.0.1", port, ssl=wrapped)
    async with server:
        await server.serve_forever()

asyncio.run(main())
