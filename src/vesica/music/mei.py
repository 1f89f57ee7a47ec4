"""MEI (the Music Encoding Initiative's XML) of a score, by way of MusicXML and Verovio."""

from lxml import etree

from vesica.errors import VesicaError
from vesica.music.musicxml import write_musicxml
from vesica.music.score import Score

MEI = "http://www.music-encoding.org/ns/mei"
XML_ID = "{http://www.w3.org/XML/1998/namespace}id"


def write_mei(score: Score) -> etree._Element:
    """The score as an ``mei`` element. Notes keep their ids as ``xml:id``; the same score gives the same element."""
    import verovio

    verovio.enableLog(verovio.LOG_OFF)
    toolkit = verovio.toolkit()
    toolkit.setOptions({"xmlIdSeed": 1, "font": "Leipzig"})
    if not toolkit.loadData(write_musicxml(score).decode()):
        raise VesicaError("This score could not be written as MEI; export it as MusicXML and convert it elsewhere.")
    root = etree.fromstring(toolkit.getMEI().encode(), etree.XMLParser(remove_blank_text=True))
    for program in root.iter(f"{{{MEI}}}application"):
        # When it was written is no fact of the score.
        program.attrib.pop("isodate", "")
    return root
