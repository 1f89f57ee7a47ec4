"""Quatrains of our own that show the model the kind of poem: plain words, things to see, a turn at the end."""

import numpy as np

from vesica.weights.minilm import embed

SHOWN = 4
"""How many of them the model reads."""

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
            "The lamps were burning still,\n"
            "The porter stamped his feet,\n"
            "And far below the hill\n"
            "The engine found its beat.",
        ),
        (
            "a guard in a museum",
            "The guard walked down the hall\n"
            "And locked the outer door;\n"
            "A woman on the wall\n"
            "Looked past him at the floor.",
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
            "The platform lamps were burning still,\n"
            "A porter yawned and stamped his feet,\n"
            "And far away below the hill\n"
            "The engine found a steady beat.",
        ),
        (
            "a baker in a hard winter",
            "The baker rose before the light\n"
            "And set the loaves along the wall;\n"
            "The street outside was cold and white,\n"
            "And no one came to buy at all.",
        ),
        (
            "a woman who waits for a fisherman",
            "The nets were hung along the pier,\n"
            "The tide was out, the wind was thin,\n"
            "And every night of all that year\n"
            "She lit a lamp to call him in.",
        ),
        (
            "the year the orchard was sold",
            "They sold the orchard in the spring,\n"
            "The ladders and the cider press,\n"
            "And all the birds came back to sing\n"
            "For someone with a new address.",
        ),
        (
            "a smith and his last work",
            "He raised the hammer, struck, and bent\n"
            "The glowing iron to a ring;\n"
            "The sparks went where the swallows went,\n"
            "And no one heard the anvil sing.",
        ),
        (
            "spring rain in the city",
            "The rain came down on Market Street\n"
            "And filled the gutters and the trees;\n"
            "A girl ran by on muddy feet\n"
            "And held her hat against the breeze.",
        ),
        (
            "a guard in a museum",
            "The guard walked slowly through the hall\n"
            "And heard the marble, floor by floor;\n"
            "A painted woman on the wall\n"
            "Was looking past him at the door.",
        ),
        (
            "snow on an empty field",
            "The snow came down on roof and stone,\n"
            "The road was white, the field was wide;\n"
            "A fox went over it alone\n"
            "And left a line from side to side.",
        ),
        (
            "a letter from abroad",
            "The letter lay beside the bread,\n"
            "The stamp was foreign, and the date;\n"
            "He poured the coffee, bowed his head,\n"
            "And read it twice, and cleared his plate.",
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
            "The yellow platform lamps were burning still,\n"
            "A sleepy porter yawned and stamped his feet,\n"
            "And far away, behind the frozen hill,\n"
            "The early engine found a steady beat.",
        ),
        (
            "a guard in a museum",
            "The guard walked slowly down the marble hall\n"
            "And heard the rain on every window pane;\n"
            "A painted woman on the farther wall\n"
            "Was looking past him at a yellow plain.",
        ),
    ),
}
"""By feet: subject and quatrain, all in the past tense."""


def nearest(subject: str, feet: int) -> list[tuple[str, str]]:
    """The ``SHOWN`` quatrains nearest to a subject in sense, the nearest last, where the model heeds it most."""
    shown = QUATRAINS[feet]
    rows = embed([subject, *(about for about, _ in shown)]).astype(np.float64)
    order = np.argsort((rows[1:] @ rows[0]).round(6), kind="stable")
    return [shown[place] for place in order[-SHOWN:]]
