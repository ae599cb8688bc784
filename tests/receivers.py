"""Servers on this machine that take what is sent to them: mail by SMTP, JSON by HTTP."""

import json
import socketserver
import ssl
import threading
from contextlib import contextmanager
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class MailServer(socketserver.ThreadingTCPServer):
    """Takes mails, unless `refuse` names what it answers to a recipient.

    certificate : files of certificate and key; with them it offers STARTTLS, and logins after it
    """

    daemon_threads = allow_reuse_address = True

    def __init__(self, certificate=None, refuse=""):
        super().__init__(("127.0.0.1", 0), _MailHandler)
        self.certificate, self.refuse = certificate, refuse
        self.mails, self.commands = [], []

    @property
    def port(self):
        return self.server_address[1]


class _MailHandler(socketserver.StreamRequestHandler):
    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def handle(self):
        is_secret, server = False, self.server
        self.say("220 ready")
        while line := self.rfile.readline().decode().strip():
            server.commands.append((line, is_secret))
            word = line.split()[0].upper()
            if word == "EHLO":
                offers = "AUTH PLAIN" if is_secret else "STARTTLS" if server.certificate else "HELP"
                self.say(f"250-me\r\n250 {offers}")
            elif word == "STARTTLS":
                self.say("220 go on")
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(*server.certificate)
                try:
                    self.request = context.wrap_socket(self.request, server_side=True)
                except (ssl.SSLError, OSError):  # the client does not trust the certificate
                    return
                self.setup()
                is_secret = True
            elif word == "AUTH":
                self.say("235 welcome")
            elif word == "RCPT" and server.refuse:
                self.say(server.refuse)
            elif word == "DATA":
                self.say("354 go on")
                content = b""
                while (row := self.rfile.readline()) != b".\r\n":
                    content += row
                server.mails.append(message_from_bytes(content, policy=policy.default))
                self.say("250 taken")
            elif word == "QUIT":
                return self.say("221 bye")
            else:
                self.say("250 fine")


class HookServer(ThreadingHTTPServer):
    """Takes POST of JSON and answers with a status; `pause`: an event that it waits for first."""

    daemon_threads = True

    def __init__(self, status=200, pause=None):
        super().__init__(("127.0.0.1", 0), _HookHandler)
        self.status, self.pause, self.taken = status, pause, []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/hook?token=secret"


class _HookHandler(BaseHTTPRequestHandler):
    def do_POST(self):
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((self.path, dict(self.headers), json.loads(content)))
        if self.server.pause:
            self.server.pause.wait(60)
        self.send_response(self.server.status)
        if 300 <= self.server.status < 400:
            self.send_header("Location", "/elsewhere")
        self.end_headers()

    def do_GET(self):
        self.server.taken.append((self.path, {}, "GET"))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


@contextmanager
def serving(server):
    """Let a server take requests meanwhile."""
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
