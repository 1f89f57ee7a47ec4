"""Pictures: engines that return uint8 arrays [height, width, 3] in sRGB."""
