"""Policies that are checked around a session, evaluated step by step: SPF, DKIM, DMARC. Pure: no socket, no clock."""
