"""What of an address is secret: both processes keep it out of all that they write down."""

from __future__ import annotations

SECRET_NAMES = frozenset(
    {
        "access_key",
        "access_token",
        "accesstoken",
        "api-key",
        "api_key",
        "apikey",
        "app_code",
        "app_id",
        "appid",
        "awsaccesskeyid",
        "client_secret",
        "client_token",
        "connectid",
        "key",
        "password",
        "pwd",
        "secret",
        "sig",
        "signature",
        "subscription-key",
        "token",
        "x-amz-credential",
        "x-amz-security-token",
        "x-amz-signature",
        "x-api-key",
        "x-goog-credential",
        "x-goog-signature",
    }
)
"""Names, in lower case, of query values that are keys, passwords or signatures."""
