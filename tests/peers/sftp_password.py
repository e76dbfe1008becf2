#!/usr/bin/env python3
"""An SFTP server that takes a password.   usage: sftp_password.py DIR PORT   (see sftp_password.sh)"""
import asyncio, os, pathlib, sys

import asyncssh

root, port = pathlib.Path(sys.argv[1]).resolve(), int(sys.argv[2])
user, password = os.environ.get("USER_NAME", "kommune"), os.environ.get("PASSWORD", "geheim")


class Login(asyncssh.SSHServer):
    def password_auth_supported(self):
        return True

    def validate_password(self, username, given):
        print("login", username, "taken" if (username, given) == (user, password) else "refused", flush=True)
        return (username, given) == (user, password)


class Files(asyncssh.SFTPServer):
    """Starts in DIR/www and shows nothing above it."""

    def __init__(self, chan):
        super().__init__(chan, chroot=str(root / "www"))

    def open(self, path, pflags, attrs):
        if os.environ.get("READONLY") and pflags & (asyncssh.FXF_WRITE | asyncssh.FXF_CREAT):
            raise asyncssh.SFTPPermissionDenied("read-only")
        return super().open(path, pflags, attrs)

    def rename(self, old, new):
        self.refuse_if_readonly()
        return super().rename(old, new)

    def posix_rename(self, old, new):
        self.refuse_if_readonly()
        return super().posix_rename(old, new)

    def mkdir(self, path, attrs):
        self.refuse_if_readonly()
        return super().mkdir(path, attrs)

    def remove(self, path):
        self.refuse_if_readonly()
        return super().remove(path)

    @staticmethod
    def refuse_if_readonly():
        if os.environ.get("READONLY"):
            raise asyncssh.SFTPPermissionDenied("read-only")


async def main():
    key_file = root / "host"
    if key_file.exists():
        key = asyncssh.read_private_key(str(key_file))
    else:
        key = asyncssh.generate_private_key("ssh-ed25519")
        key.write_private_key(str(key_file))
    public = key.export_public_key().decode().split()[:2]
    (root / "known_hosts").write_text(f"[127.0.0.1]:{port} {' '.join(public)}\n")
    await asyncssh.listen("127.0.0.1", port, server_factory=Login, server_host_keys=[key], sftp_factory=Files)
    await asyncio.get_running_loop().create_future()


asyncio.run(main())
