"""The channel layer: Channels' pub/sub over Redis or Valkey, but sockets survive its absence.

It carries hints: whoever misses one rereads the row, so a full queue drops its oldest message.
"""

import uuid
from collections.abc import Sequence

from channels_redis.core import BoundedQueue
from channels_redis.pubsub import RedisPubSubChannelLayer

QUEUE_LENGTH = 100  # pushes that wait for a process' hub


class GroupLayer(RedisPubSubChannelLayer):
    """Messages only go to groups, so channels need no subscription of their own."""

    async def new_channel(self, prefix: str = "specific.") -> str:
        """A channel of this process. No round trip, so sockets can open while Valkey is down."""
        layer = self._get_layer()
        channel = f"{layer.prefix}{prefix}{uuid.uuid4().hex}"
        layer.channels[channel] = BoundedQueue(QUEUE_LENGTH)
        return channel

    async def delete_channel(self, channel: str) -> None:
        """Remove a channel that nobody receives from any more."""
        self._get_layer().channels.pop(channel, None)

    async def joined(self, groups: Sequence[str]) -> list[int]:
        """The number of processes that have a member in each group."""
        layer = self._get_layer()
        names = [layer._get_group_channel_name(group) for group in groups]
        shard = layer._get_shard(names[0])  # of one server; the settings name no more
        async with shard._lock:
            shard._ensure_redis()
            return [many for _, many in await shard._redis.pubsub_numsub(*names)]
