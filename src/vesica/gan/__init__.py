"""Generators that a person trains on a folder of their own: data, networks, training, measures."""
