"""Quatrains of our own that show the model the kind of poem: plain words, things to see, a turn at the end."""

QUATRAINS = {
    3: (
        (
            "a boat left in the reeds",
            "It lay among the reeds,\nThe paint was pale and thin,\nAnd up had come the weeds\nTo let the water in.",
        ),
        (
            "my grandmother's kitchen",
            "She kept the cups of blue\nUpon a wooden shelf,\nAnd when the kettle blew\nShe hummed beside herself.",
        ),
        (
            "the first train of the morning",
            "The lamps are burning still,\n"
            "The porter stamps his feet,\n"
            "And far below the hill\n"
            "The engine finds its beat.",
        ),
    ),
    4: (
        (
            "a boat left in the reeds",
            "It lay forgotten in the reeds,\n"
            "The oars were gone, the paint was thin,\n"
            "And through the boards had come the weeds\n"
            "To let the patient water in.",
        ),
        (
            "my grandmother's kitchen",
            "She kept the saucers, white and blue,\n"
            "In order on a wooden shelf,\n"
            "And when the winter kettle blew\n"
            "She poured the last cup for herself.",
        ),
        (
            "the first train of the morning",
            "The platform lamps are burning still,\n"
            "A porter yawns and stamps his feet,\n"
            "And far away below the hill\n"
            "The engine finds a steady beat.",
        ),
    ),
    5: (
        (
            "a boat left in the reeds",
            "It lay forgotten in the yellow reeds,\n"
            "The oars were gone, the painted name was thin,\n"
            "And through the rotten boards had come the weeds\n"
            "To let the slow and patient water in.",
        ),
        (
            "my grandmother's kitchen",
            "She kept the saucers, white and red and blue,\n"
            "In perfect order on a wooden shelf,\n"
            "And every day, before the kettle blew,\n"
            "She cut a slice of bread for no one else.",
        ),
        (
            "the first train of the morning",
            "The yellow platform lamps are burning still,\n"
            "A sleepy porter yawns and stamps his feet,\n"
            "And far away, behind the frozen hill,\n"
            "The early engine finds a steady beat.",
        ),
    ),
}
"""By feet: subject and quatrain."""
