"""A PostgreSQL server of this machine's own, on loopback, in a temporary folder."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

PASSWORD = "only-for-tests"
CONFIG = Path(__file__).parent.parent / "config"


def find_binaries():
    """The folder of the server's programs; none if it is not installed."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    found = shutil.which("initdb") or (installed and installed[-1])
    return Path(found).parent if found else None


@contextmanager
def running(binaries):
    """Start a server as an unprivileged user; gives its port."""
    user = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    data, secret = folder / "data", folder / "password"
    secret.write_text(PASSWORD, "utf-8")
    if os.geteuid() == 0:
        for path in (folder, secret):
            shutil.chown(path, user)
    port = free_port()

    def call(program, *arguments):
        command = [binaries / program, "-D", data, *arguments]
        options = {"user": user} if os.geteuid() == 0 else {}
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder, **options)

    try:
        call(
            "initdb", "-U", "owner", "-A", "scram-sha-256", f"--pwfile={secret}", "-N", "-E", "UTF8"
        )
        settings = f"-h 127.0.0.1 -p {port} -k '' -F"
        call("pg_ctl", "-w", "-l", folder / "log", "-o", settings, "start")
        try:
            yield port
        finally:
            call("pg_ctl", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


@contextmanager
def owned():
    """Start a server; gives its URL without user and password, and a connection of its owner.

    The test skips where its programs or its driver are not installed.
    """
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed")
    psycopg = pytest.importorskip("psycopg")
    with running(binaries) as port:
        given = {"host": "127.0.0.1", "port": port, "user": "owner", "dbname": "postgres"}
        with psycopg.connect(**given, password=PASSWORD, autocommit=True) as con:
            yield f"postgres://127.0.0.1:{port}/postgres", con


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]
