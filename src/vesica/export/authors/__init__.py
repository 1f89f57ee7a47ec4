"""Who made each unit of a work, as files that leave beside it: marked text, coloured scores, hatched pictures, a page."""
