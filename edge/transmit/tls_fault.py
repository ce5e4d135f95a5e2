"""What a failed TLS handshake means, in the words of somebody who has to mend it. Pure."""

from __future__ import annotations

import ssl
from datetime import datetime

# X509_V_ERR_* of OpenSSL (openssl/x509_vfy.h).
_NOT_YET_VALID, _EXPIRED = 9, 10

# Alerts of TLS (RFC 8446, section 6.2) that the broker sends about our certificate, as OpenSSL names them.
_TOLD_BY_BROKER = {
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "the broker says that this device's certificate has expired",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "the broker wants a certificate of this device",
    "TLSV1_ALERT_UNKNOWN_CA": "the broker does not know who signed this device's certificate",
}


def meaning(error: BaseException, now: datetime) -> str | None:
    """What to say of an error, or None where it speaks for itself.

    now  the system's clock, by which OpenSSL judges; told by the day: a long outage is one line of log
    """
    code = error.verify_code if isinstance(error, ssl.SSLCertVerificationError) else None
    today = f"{now:%Y-%m-%d}"
    if code == _NOT_YET_VALID:
        return (
            "the broker's certificate is not valid yet by the device's clock, "
            f"which says {today}: the clock is behind, set it"
        )
    if code == _EXPIRED:
        return (
            "the broker's certificate has expired by the device's clock, "
            f"which says {today}: if that is today, renew the certificate, else set the clock"
        )
    return _TOLD_BY_BROKER.get(error.reason or "") if isinstance(error, ssl.SSLError) else None
