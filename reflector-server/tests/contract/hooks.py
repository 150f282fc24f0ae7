"""What schemathesis cannot know by itself: how messages of providers are signed."""

import hashlib
import hmac
import os
import time

import requests
import schemathesis

SECRET = os.environ["CONTRACT_WEBHOOK_SECRET"].encode()


class Signed(requests.auth.AuthBase):
    """Signs the bytes that are sent: those of an even number, so that what is not verified is tried as well."""

    def __call__(self, request):
        body = request.body if isinstance(request.body, bytes) else (request.body or "").encode()
        if len(body) % 2 == 0:
            now = str(int(time.time()))
            mac = hmac.new(SECRET, now.encode() + b"." + body, hashlib.sha256)
            request.headers["Whereby-Signature"] = f"t={now},v1={mac.hexdigest()}"
        return request


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.operation.path in ("/whereby", "/webhooks/{provider}"):
        kwargs["auth"] = Signed()
