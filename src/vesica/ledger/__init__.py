"""The record: turns, assets, and the signed chain over them."""
