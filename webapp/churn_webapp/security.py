"""Response headers: nothing from elsewhere, no inline code, no frames."""

from __future__ import annotations

from flask import Response

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Flask-WTF compares the Referer of forms that come by https.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
}
_ONE_YEAR = "max-age=31536000"


def secured(response: Response, https: bool) -> Response:
    """The response with every security header; pages are kept in no shared cache."""
    for name, value in HEADERS.items():
        response.headers[name] = value
    if https:
        response.headers["Strict-Transport-Security"] = _ONE_YEAR
    response.headers.setdefault("Cache-Control", "private, no-cache")
    return response
