"""The one seam for input and output, and the two ways to cross it: ``loopback`` and ``memory``."""

from __future__ import annotations
