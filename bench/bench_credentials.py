"""What credentials cost, and what they find: both verifiers, bit flips, times, bytes.

Run: python bench/bench_credentials.py [FLIPS]
"""

import datetime as dt
import io
import json
import statistics
import sys
import time
from random import Random
from typing import Any

import c2pa
import encypher_c2pa
import numpy as np

from conformance import CHECKS, INTEGRITY, Told, unsound, wrong
from vesica.export.certificate import Identity, issue
from vesica.export.credential import Action, Facts, ModelUse, read, seal
from vesica.export.facts import source_of_work
from vesica.export.files import FORMATS
from vesica.export.marks.formats import marked
from vesica.music.score import Note, Part, Pitch, Score
from vesica.work import Medium

MODEL = ModelUse("efficientnet-lite0", "57" * 32, "Apache-2.0")
FACTS = Facts(
    "Sea",
    (Action("created", "machine", "image.dream", "1", (MODEL,), {"steps": 12}, 7), Action("edited", "human")),
    authorship={"machine": 4000, "human": 96},
)


def works() -> dict[Medium, Any]:
    """A small work of each medium."""
    notes = tuple(
        Note(f"n{place}", Score().metres[0].length * place, Score().metres[0].length, Pitch(step, 0, 4))
        for place, step in enumerate("CDEC")
    )
    picture = np.full((256, 256, 3), 90, np.uint8) + np.arange(256, dtype=np.uint8)[:, None, None] // 2
    return {
        "image": picture,
        "text": "Here two circles meet.\n" * 20,
        "music": Score(parts=(Part("Flute", 73, notes),)),
    }


def second(data: bytes, type_: str, beside: bytes | None, identity: Identity) -> dict[str, Any]:
    """What the second verifier reports; a file beside a credential is bytes to it if it takes it as XML."""
    if beside is not None:
        type_ = "application/xml"
    try:
        told = encypher_c2pa.verify(
            *(data, type_),
            manifest_store=beside,
            trust_pem=identity.root_pem.decode(),
            no_default_trust=True,
            telemetry=False,
        )
    except ValueError:
        return {"validation_state": "Invalid"}
    return dict(told or {"validation_state": "Invalid"})


def first(data: bytes, type_: str, beside: bytes | None, identity: Identity) -> Told:
    """What the first verifier reads in a file."""
    with (
        c2pa.Context.from_dict({"trust": {"user_anchors": identity.root_pem.decode()}}) as context,
        c2pa.Reader(type_, io.BytesIO(data), manifest_data=beside, context=context) as reader,
    ):
        return Told.of_crjson(json.loads(reader.crjson()))


def counted(told: Told) -> tuple[int, int, int]:
    """How many checks of the conformance programme passed, failed, and looked at what the report does not tell."""
    found = [fault for _, fault in (*wrong(told), *unsound(told))]
    untold = found.count(None)
    return found.count([]), len(found) - found.count([]) - untold, untold


def content(data: bytes, type_: str) -> list[tuple[int, int]]:
    """Stretches of bytes that the credential inside a file covers."""
    with c2pa.Reader(type_, io.BytesIO(data)) as reader:
        store = json.loads(reader.detailed_json())
    bound = store["manifests"][store["active_manifest"]]["assertion_store"]["c2pa.hash.data"]
    found, at = [], 0
    for one in bound["exclusions"]:
        found.append((at, one["start"]))
        at = one["start"] + one["length"]
    return [(start, end) for start, end in (*found, (at, len(data))) if end > start]


def main(flips: int) -> None:
    """Seal a work in every format, check it twice, flip bits, and print what was found."""
    identity, random = issue(b"bench", dt.datetime.now(dt.UTC)), Random(4)
    values, sealed = works(), {}
    kinds = {
        ending: (medium, form)
        for medium, forms in FORMATS.items()
        for ending, form in forms.items()
        if ending not in (".jpeg", ".midi")
    }
    firsts = seconds = 0
    tallies = {"first": [0, 0, 0], "second": [0, 0, 0]}
    for ending, (medium, form) in kinds.items():
        plain = form.write(values[medium])
        times = []
        for _ in range(5):
            began = time.process_time()
            data, beside = seal(plain, form.type, FACTS, identity, b"bench")
            middle = time.process_time()
            verdict = read(data, form.type, beside, roots=[identity.root_pem])
            times.append((middle - began, time.process_time() - middle))
        sealed[ending] = form.type, data, beside
        read_by = {"first": first(data, form.type, beside, identity)}
        report = second(data, form.type, beside, identity)
        other = report["validation_state"]
        read_by["second"] = Told.of_encypher(report)
        for who, told in read_by.items():
            tallies[who] = [sum(pair) for pair in zip(tallies[who], counted(told), strict=True)]
        firsts, seconds = firsts + (verdict.state == "trusted"), seconds + (other == "Trusted")
        mark = len(marked(plain, form.type, source_of_work(FACTS))) - len(plain)
        extra = len(beside) if beside else len(data) - len(plain) - mark
        sign, check = (statistics.median(one[side] for one in times) * 1000 for side in (0, 1))
        print(
            f"{ending:<10} {verdict.state:<8} second: {other:<10} sign {sign:5.1f} ms, read {check:5.1f} ms, "
            f"credential {extra:6,} B, mark {mark:4} B"
        )
    print(f"first verifier: {firsts} of {len(kinds)} formats trusted; second: {seconds} of {len(kinds)}")
    print(
        f"checks of the conformance programme in each file: {len(CHECKS)} for C2PA 2.4, {len(INTEGRITY)} of integrity"
    )
    for who, (passed, failed, untold) in tallies.items():
        print(f"  as the {who} verifier reads it: {passed} passed, {failed} failed, {untold} not told by its report")
    missed = [0, 0]
    for turn in range(flips):
        type_, data, beside = sealed[list(sealed)[turn % len(sealed)]]
        start, end = random.choice(content(data, type_)) if beside is None else (0, len(data))
        changed = bytearray(data)
        changed[random.randrange(start, end)] ^= 1 << random.randrange(8)
        missed[0] += read(bytes(changed), type_, beside, roots=[identity.root_pem]).state in ("trusted", "valid")
        missed[1] += second(bytes(changed), type_, beside, identity)["validation_state"] in ("Trusted", "Valid")
    print(f"bits flipped in the content: {flips}, missed {missed[0]} (first), {missed[1]} (second)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 280)
