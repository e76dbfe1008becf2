"""https.py DIR PORT DAYS NAME SKEW: an HTTPS server on 127.0.0.1 that answers every request with an empty 200. Its certificate
is for NAME and ends in DAYS days (may be negative), signed by the authority in DIR/ca.pem; its clock is SKEW seconds off.
Every request line is written to DIR/requests."""
import datetime
import http.server
import pathlib
import ssl
import sys
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

folder, port, days, name, skew = pathlib.Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4], int(sys.argv[5])
now = datetime.datetime.now(datetime.timezone.utc)


def signed(subject, key, issuer, issuer_key, ends, authority, extra=None):
    def common(text):
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    builder = (
        x509.CertificateBuilder()
        .subject_name(common(subject))
        .issuer_name(common(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=60))
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if extra is not None:
        builder = builder.add_extension(extra, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
authority = signed("test authority", authority_key, "test authority", authority_key, now + datetime.timedelta(days=60), True)
# Half a day more: what is asked for are whole days left.
ends = now + datetime.timedelta(days=days, hours=12 if days >= 0 else 0)
leaf = signed(name, key, "test authority", authority_key, ends, False, x509.SubjectAlternativeName([x509.DNSName(name)]))
(folder / "ca.pem").write_bytes(pem(authority))
(folder / "server.pem").write_bytes(
    pem(leaf)
    + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        with (folder / "requests").open("a") as log:
            log.write(self.requestline + "\n")
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET = do_POST = answer

    def date_time_string(self, timestamp=None):
        return super().date_time_string(time.time() + skew)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(folder / "server.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
