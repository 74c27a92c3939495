"""Aggregate reports of DMARC (RFC 9990): who may get them, how they are made, written, packed, and safely read."""

from __future__ import annotations

from labkit.auth.reports.destinations import Destination, destinations

__all__ = ["Destination", "destinations"]
