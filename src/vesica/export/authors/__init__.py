"""Who made each unit of a work, as files that leave beside it: marked texts, scores and pictures, and a page."""
