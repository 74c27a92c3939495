"""Commands for a terminal on this computer; the port is that of this run, so it stands in the live card only."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import traitlets

from labkit.view.widget import LabWidget, asset

COMMANDS = (
    ("nc", "a bare connection: you type everything, each line ended by Enter", "nc -C {ip} {port}"),
    (
        "swaks",
        "a Swiss army knife for SMTP",
        "swaks --server {ip} --port {port} --helo sender.example --from alice@sender.example --to bob@receiver.example",
    ),
    (
        "curl",
        "it speaks SMTP as well",
        "printf 'Subject: From curl\\r\\n\\r\\nHello\\r\\n' | curl --url smtp://{ip}:{port}/sender.example --mail-from alice@sender.example --mail-rcpt bob@receiver.example --upload-file -",
    ),
    (
        "openssl",
        "a connection that begins in clear text and goes on encrypted",
        "openssl s_client -starttls smtp -crlf -quiet -connect {ip}:{port}",
    ),
    (
        "msmtp",
        "what scripts on many servers use",
        "printf 'Subject: From msmtp\\n\\nHello\\n' | msmtp --host={ip} --port={port} --domain=sender.example --from=alice@sender.example --tls=off --auth=off bob@receiver.example",
    ),
)


class TerminalCard(LabWidget):
    """The commands, each with a button that copies it."""

    _esm = traitlets.Unicode(asset("common.js", "terminal.js")).tag(sync=True)
    address = traitlets.Unicode().tag(sync=True)
    commands: traitlets.List[dict[str, str]] = traitlets.List().tag(sync=True)

    def __init__(self, ip: str, port: int, commands: Sequence[tuple[str, str, str]] = COMMANDS) -> None:
        self._commands = tuple(commands)
        filled = [{"name": n, "what": w, "command": c.format(ip=ip, port=port)} for n, w, c in commands]
        super().__init__(address=f"{ip}:{port}", commands=filled)

    def as_text(self) -> str:
        """The commands with PORT for the number that is known only while the lab runs."""
        return "\n".join(
            f"{name} ({what})\n  {command.format(ip='127.0.0.1', port='PORT')}"
            for name, what, command in self._commands
        )

    def as_html(self) -> str:
        """The same as a list."""
        rows = "".join(
            f"<li><b>{escape(name)}</b>, {escape(what)}<pre>{escape(command.format(ip='127.0.0.1', port='PORT'))}</pre></li>"
            for name, what, command in self._commands
        )
        return f"<p>PORT is a number that is known only while the lab runs.</p><ul>{rows}</ul>"
