"""The second layer beside a credential: the IPTC digital source type where a format's usual readers look for it."""
