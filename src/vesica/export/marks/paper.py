"""XMP in SVG and PDF. What we can't parse comes back as it is."""

import re

from vesica.export.marks.pictures import packet

_SVG = re.compile(rb"<svg\b[^>]*>")
_IPTC = b'<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
_RDF = re.compile(rb"<rdf:RDF\b[^>]*>")


def svg(data: bytes, source: str) -> bytes:
    """A ``metadata`` element, first in the picture."""
    start = _SVG.search(data)
    if not start or start[0].endswith(b"/>") or b"DigitalSourceType" in data:
        return data
    rdf = re.search(rb"<rdf:RDF.*</rdf:RDF>", packet(source))
    assert rdf
    return data[: start.end()] + b"<metadata>" + rdf[0] + b"</metadata>" + data[start.end() :]


def pdf(data: bytes, source: str) -> bytes:
    """The document's XMP with one description more, as an incremental update: no byte of the file is moved.

    For files with a plain cross-reference table and plain XMP, as typst writes them (ISO 32000-1, 7.5.6 and 14.3.2).
    """
    tail = re.search(rb"trailer\s*<<(.*?)>>\s*startxref\s+(\d+)\s+%%EOF\s*\Z", data, re.DOTALL)
    root = tail and re.search(rb"/Root (\d+) 0 R", tail[1])
    catalog = root and re.search(rb"\n%s 0 obj\s*<<(.*?)\nendobj" % root[1], data, re.DOTALL)
    number = catalog and re.search(rb"/Metadata (\d+) 0 R", catalog[1])
    old = number and re.search(
        rb"\n%s 0 obj\s*<<[^>]*>>\s*stream\n(.*?)\nendstream\s*endobj" % number[1], data, re.DOTALL
    )
    if not (tail and number and old and (rdf := _RDF.search(old[1]))) or b"DigitalSourceType" in old[1]:
        return data
    told = _IPTC + b'Iptc4xmpExt:DigitalSourceType="' + source.encode() + b'"/>'
    xmp = old[1][: rdf.end()] + told + old[1][rdf.end() :]
    body = data if data.endswith(b"\n") else data + b"\n"
    place = len(body)
    body += b"%s 0 obj\n<</Length %d/Type/Metadata/Subtype/XML>>\nstream\n%s\nendstream\nendobj\n" % (
        *(number[1], len(xmp), xmp),
    )
    table = b"xref\n%s 1\n%010d 00000 n\r\n" % (number[1], place)
    trailer = b"trailer\n<<%s/Prev %s>>\nstartxref\n%d\n%%%%EOF\n" % (tail[1], tail[2], len(body))
    return body + table + trailer
