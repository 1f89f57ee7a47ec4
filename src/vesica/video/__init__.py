"""Moving pictures: reading, writing, and engines that keep a scene steady while they change it."""
