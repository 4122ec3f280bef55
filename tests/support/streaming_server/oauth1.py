# SPDX-License-Identifier: MIT
"""OAuth 1.0a as a service checks it: oauthlib's own provider code, nothing of ours."""

import time

from oauthlib.oauth1 import RequestValidator, ResourceEndpoint


class Keys(RequestValidator):
    """The one application and user that are known."""

    enforce_ssl = False
    safe_characters = RequestValidator().safe_characters | set("-_.~")
    client_key_length = (1, 200)
    access_token_length = (1, 200)
    nonce_length = (8, 200)
    timestamp_lifetime = 300
    dummy_client = "nobody"
    dummy_access_token = "nothing"

    def __init__(self, consumer_key, consumer_secret, token, token_secret):
        self.consumer_key, self.consumer_secret = consumer_key, consumer_secret
        self.token, self.token_secret = token, token_secret
        self.nonces = set()
        super().__init__()

    def validate_client_key(self, client_key, request):
        return client_key == self.consumer_key

    def validate_access_token(self, client_key, token, request):
        return token == self.token

    def validate_timestamp_and_nonce(self, client_key, timestamp, nonce, request,
                                     request_token=None, access_token=None):
        if nonce in self.nonces:
            return False
        self.nonces.add(nonce)
        return abs(time.time() - int(timestamp)) < self.timestamp_lifetime

    def validate_realms(self, client_key, token, request, uri=None, realms=None):
        return True

    def get_client_secret(self, client_key, request):
        return self.consumer_secret

    def get_access_token_secret(self, client_key, token, request):
        return self.token_secret


def problem_of(keys, request):
    """Why the request is not authentic; "" where it is."""
    if not request.headers.get("authorization", "").startswith("OAuth "):
        return "no OAuth header"
    headers = {"Authorization": request.headers["authorization"]}
    if "content-type" in request.headers:
        headers["Content-Type"] = request.headers["content-type"]
    try:
        is_valid, seen = ResourceEndpoint(keys).validate_protected_resource_request(
            request.url, request.method, request.body.decode("latin-1"), headers)
    except ValueError as error:
        return f"no OAuth request: {error}"
    if is_valid:
        return ""
    log = getattr(seen, "validator_log", {})
    return f"not authentic: {log or 'the header is incomplete, or its time or nonce is wrong'}"
