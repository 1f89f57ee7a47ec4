"""Where things lie on a person's computer. Each place can be moved by an environment variable."""

import os
from pathlib import Path

import platformdirs


def config_dir() -> Path:
    """The person's own settings and passphrase; ``VESICA_CONFIG`` moves it."""
    return Path(os.environ.get("VESICA_CONFIG") or platformdirs.user_config_dir("vesica"))


def default_studio() -> Path:
    """The studio used where one stands in none; ``VESICA_STUDIO`` moves it."""
    return Path(os.environ.get("VESICA_STUDIO") or Path(platformdirs.user_data_dir("vesica")) / "studio")


def nearest_studio(start: Path) -> Path:
    """The studio that ``start`` stands in: the nearest folder upwards with a ``ledger.db``, or else the default one."""
    for folder in (start, *start.parents):
        if (folder / "ledger.db").is_file():
            return folder
    return default_studio()
