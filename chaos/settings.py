"""The product's settings, plus an app through which tests strike at exact places."""

import os

from chaos import variants
from notebook.settings import *  # noqa: F403
from notebook.settings import CHANNEL_LAYERS, DATA_DIR, INSTALLED_APPS

INSTALLED_APPS = [
    *INSTALLED_APPS,
    "chaos.kill_points.KillPoints",
    "chaos.orders.Orders",
    "chaos.variants.Variants",
]
if variants.LOSSY:
    CHANNEL_LAYERS["default"]["BACKEND"] = "chaos.variants.LossyLayer"
ARMED_DIR = DATA_DIR / "armed"
# Seconds after which the broker redelivers unacknowledged messages; empty: the product's.
CHAOS_VISIBILITY_SECONDS = os.environ.get("CHAOS_VISIBILITY_SECONDS", "")
# The start would refuse this; a row shows that even then no step runs twice.
SILENCED_SYSTEM_CHECKS = ["notebook.E013"] if CHAOS_VISIBILITY_SECONDS else []
