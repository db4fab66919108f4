"""Starts this clone's plugin host, as bin/launcher does: python CLONE/plugins RUN CLI STARTED."""

import gc
import sys
from importlib import import_module
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])  # where the package `plugins` is
gc.disable()  # until all that stays is imported
import_module("plugins.host").main()
