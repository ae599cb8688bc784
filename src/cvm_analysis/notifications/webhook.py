"""Tell a web service: POST of JSON."""

from __future__ import annotations

import http.client
import json
import os
import urllib.error
import urllib.request
from typing import Any

from cvm_analysis.notifications.channels import Webhook, find_url_problem
from cvm_analysis.notifications.message import Message


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirected POST would become a GET, and the message would be lost."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow no redirect: it is an answer like any other."""


def send(webhook: Webhook, message: Message, seconds: float) -> None:
    """Post a message; the address, which may be secret, is in no error.

    seconds : for each answer. OSError: no connection, or an answer other than 200 to 299
    """
    request = urllib.request.Request(
        _url(webhook),
        data=json.dumps(message.to_json(), ensure_ascii=False).encode(),
        headers={"Content-Type": "application/json; charset=utf-8", "User-Agent": "cvm-analysis"},
    )
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=seconds):
            pass
    except urllib.error.HTTPError as error:
        raise OSError(f"answered {error.code} {error.reason}") from None
    except urllib.error.URLError as error:
        raise OSError(str(getattr(error.reason, "strerror", None) or error.reason)) from None
    except (http.client.InvalidURL, ValueError):
        raise OSError("its address has a sign that must be escaped") from None


def _url(webhook: Webhook) -> str:
    name = webhook.url_variable
    url = webhook.url or os.environ.get(name or "", "").strip()
    if not url:
        raise OSError(f"the environment variable {name} is not set")
    if problem := find_url_problem(url):
        raise OSError(f"{name}: {problem}")
    return url
