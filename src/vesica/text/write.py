"""The writing partner: next sentences, a title, or a rhymed poem, by a small language model held to a form."""

from vesica.text.brief import own_subject, subject
from vesica.text.model import needs_logits, open_model
from vesica.text.params import WriteParams
from vesica.text.poem import poem
from vesica.text.prose import MOST, prose
from vesica.text.sampling import Sampling
from vesica.text.titles import title
from vesica.work import Progress, Step


def write(*, params: WriteParams, seed: int, text: str | None = None, progress: Progress | None = None) -> str:
    """Write in the form that ``params`` asks for.

    Prose goes on from ``text`` (the last 2,048 tokens of it) and returns the new sentences alone; a title and a poem
    are made from ``params.about``, else from the beginning of ``text``, else about something the model finds. Of a
    subject longer than 240 characters, the first sentences count.

    Raises
    ------
    VesicaError : a title or verse without a door that gives logits; ``ModelMissing`` without the model
    """
    door, note = open_model()
    about = subject(params.about) or (subject(text or "") if params.form != "prose" else "")
    if not about and params.form != "prose":
        about = own_subject(door, seed=seed)
    how = Sampling(temperature=params.temperature, min_p=params.min_p)

    def tell(done: int, total: int, so_far: str) -> None:
        if progress:
            progress(Step(min(done, total), total, so_far, note))

    tell(0, 1, "")
    match params.form:
        case "prose":
            total = params.sentences * params.tries * MOST
            return prose(
                door,
                text or "",
                about,
                how,
                seed=seed,
                count=params.sentences,
                tries=params.tries,
                listen=lambda heard, so_far: tell(heard, total, so_far),
            )
        case "title":
            return title(
                needs_logits(door, "A title"),
                about,
                temperature=params.temperature,
                seed=seed,
                listen=lambda heard, so_far: tell(heard, 10, so_far),
            )
        case "poem":
            return poem(
                needs_logits(door, "A poem in metre"),
                about,
                params,
                seed=seed,
                listen=lambda lines, so_far: tell(lines, 4 * params.stanzas, so_far),
            )
