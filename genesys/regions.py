"""Genesys Cloud's regions, by the domain that `tenant.region` names."""

from __future__ import annotations

REGIONS = (
    "mypurecloud.com",
    "use2.us-gov-pure.cloud",
    "usw2.pure.cloud",
    "cac1.pure.cloud",
    "sae1.pure.cloud",
    "mxc1.pure.cloud",
    "mypurecloud.de",
    "euc2.pure.cloud",
    "mypurecloud.ie",
    "euw2.pure.cloud",
    "edee1.eusc-pure.cloud",
    "mec1.pure.cloud",
    "aps1.pure.cloud",
    "apse1.pure.cloud",
    "mypurecloud.com.au",
    "mypurecloud.jp",
    "apne2.pure.cloud",
    "apne3.pure.cloud",
)
"""Source: public clients of the platform, as of 2026-11. It grows: another one is a warning."""
