"""Make the style cards that the package ships, from a folder of paintings with an index.json that says whose they are.

    python training/style_cards.py FOLDER

index.json is a list of objects with file, title, artist, year and rights.
"""

import json
import sys
from pathlib import Path

import torch

from vesica.image.pictures import read_picture
from vesica.image.style_cards import card_of, write_card
from vesica.image.style_names import SHIPPED
from vesica.image.style_slope import COLOURS
from vesica.image.tensors import one_thread_each
from vesica.weights.efficientnet_lite import efficientnet_lite


def main(folder: Path) -> None:
    """Write one card a painting and print how large they are."""
    torch.set_num_threads(2)
    network, total = efficientnet_lite(), 0
    SHIPPED.mkdir(exist_ok=True)
    with one_thread_each() as pool:
        for row in json.loads((folder / "index.json").read_text("utf-8")):
            painting = read_picture((folder / row["file"]).read_bytes())
            card = card_of(painting, network, (COLOURS, *network.style_layers), pool)
            about = {key: row[key] for key in ("title", "artist", "year", "rights")}
            data = write_card(card, network, **about)
            (SHIPPED / row["file"]).with_suffix(".safetensors").write_bytes(data)
            total += len(data)
            print(f"{len(data):>7,}  {row['file']}", flush=True)
    print(f"{total:,} bytes in all")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
