"""The channel layer: Channels' pub/sub over Redis or Valkey, for sockets that outlive its absence.

It carries hints. Who misses one reads the row, so a full queue drops its oldest message.
"""

import uuid
from collections.abc import Sequence

from channels_redis.core import BoundedQueue
from channels_redis.pubsub import RedisPubSubChannelLayer

QUEUE_LENGTH = 100  # pushes that wait for a process' hub; what it misses it reads


class GroupLayer(RedisPubSubChannelLayer):
    """Messages go to groups only, so a socket's own channel needs no subscription."""

    async def new_channel(self, prefix: str = "specific.") -> str:
        """A channel of this process. Asks nobody: sockets open while the server is away."""
        layer = self._get_layer()
        channel = f"{layer.prefix}{prefix}{uuid.uuid4().hex}"
        layer.channels[channel] = BoundedQueue(QUEUE_LENGTH)
        return channel

    async def delete_channel(self, channel: str) -> None:
        """Forget a channel that nobody receives from any more."""
        self._get_layer().channels.pop(channel, None)

    async def joined(self, groups: Sequence[str]) -> list[int]:
        """For each group how many processes have a socket in it."""
        layer = self._get_layer()
        names = [layer._get_group_channel_name(group) for group in groups]
        shard = layer._get_shard(names[0])  # of one server; the settings name no more
        async with shard._lock:
            shard._ensure_redis()
            return [many for _, many in await shard._redis.pubsub_numsub(*names)]
