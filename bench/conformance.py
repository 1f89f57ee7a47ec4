"""What C2PA's conformance programme looks for in a file, as functions of crJSON.

The checks are those of the asset rubrics of https://github.com/c2pa-org/conformance-public (CC BY 4.0): programme 0.2
for specification 2.4 (31 checks), 0.1 for 2.2 (20 of them, with shorter lists) and integrity (6), under the names they
have there. Lists hold what the specification allows; the code is ours. A check gives what is wrong, and nothing where
all is well.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Version = Literal["2.2", "2.4"]

NOT_EDITORIAL = {
    *("c2pa.converted", "c2pa.published", "c2pa.repackaged", "c2pa.transcoded", "c2pa.resized.proportional"),
    *("c2pa.enhanced", "c2pa.edited.metadata", "c2pa.watermarked", "c2pa.watermarked.bound"),
    *("c2pa.watermarked.unbound", "c2pa.redacted"),
}
INCEPTION = {"c2pa.created", "c2pa.opened"}
ASSERTIONS_22 = {
    *("c2pa.hash.data", "c2pa.hash.data.part", "c2pa.actions.v2", "c2pa.ingredient.v3", "c2pa.hash.boxes"),
    *("c2pa.hash.bmff.v3", "c2pa.hash.collection.data", "c2pa.soft-binding", "c2pa.cloud-data", "c2pa.embedded-data"),
    *("c2pa.metadata", "c2pa.certificate-status", "c2pa.asset-ref", "c2pa.asset-type.v2", "c2pa.hash.multi-asset"),
    *("c2pa.thumbnail.claim", "c2pa.thumbnail.ingredient", "c2pa.depthmap.GDepth", "c2pa.icon"),
    *("c2pa.assertion.metadata", "c2pa.time-stamp", "font.info"),
}
ASSERTIONS: Mapping[Version, set[str]] = {
    "2.2": ASSERTIONS_22,
    "2.4": ASSERTIONS_22
    | {
        *("c2pa.alternative-content-representation", "c2pa.external-reference", "c2pa.session-keys"),
        *("c2pa.environmental-sustainability", "c2pa.repository-receipt", "c2pa.ai-disclosure"),
    },
}
OLD_ASSERTIONS = {
    *("c2pa.claim", "c2pa.hash.bmff.v2", "c2pa.asset-type", "c2pa.ingredient", "c2pa.ingredient.v2", "c2pa.actions"),
}
ACTIONS_22 = {
    "c2pa." + name
    for name in [
        "addedText",
        "adjustedColor",
        "changedSpeed",
        "color_adjustments",
        "converted",
        "created",
        "cropped",
        "deleted",
        "drawing",
        "dubbed",
        "edited",
        "edited.metadata",
        "enhanced",
        "filtered",
        "opened",
        "orientation",
        "placed",
        "published",
        "redacted",
        "removed",
        "repackaged",
        "resized",
        "transcoded",
        "translated",
        "trimmed",
        "unknown",
        "watermarked",
    ]
}
ACTIONS: Mapping[Version, set[str]] = {
    "2.2": ACTIONS_22,
    "2.4": ACTIONS_22
    | {
        "c2pa." + name
        for name in ["mastered", "mixed", "remixed", "resized.proportional", "watermarked.bound", "watermarked.unbound"]
    },
}
OLD_ACTIONS_22 = {
    "c2pa." + name
    for name in [
        "copied",
        "formatted",
        "version_updated",
        "printed",
        "managed",
        "produced",
        "saved",
        "color_adjustments",
    ]
}
OLD_ACTIONS: Mapping[Version, set[str]] = {"2.2": OLD_ACTIONS_22, "2.4": OLD_ACTIONS_22 | {"c2pa.watermarked"}}
PARAMETERS_22 = {
    *("redacted", "ingredients", "ingredient", "description", "sourceLanguage", "targetLanguage"),
    *("multipleInstances", "ranges", "weight", "width", "italic", "slant", "optical-size"),
}
PARAMETERS: Mapping[Version, set[str]] = {"2.2": PARAMETERS_22, "2.4": PARAMETERS_22 | {"relatedAssertions"}}
ILL_FORMED = {
    *(f"assertion.{name}.malformed" for name in ("action", "bmffHash", "boxesHash", "collectionHash", "dataHash")),
    *(f"assertion.external-reference.{name}" for name in ("malformed", "labelMismatch", "created")),
    *("assertion.ingredient.malformed", "assertion.multiAssetHash.malformed", "assertion.cbor.invalid"),
    *(f"assertion.alternativeContentRepresentation.{name}" for name in ("malformed", "missing")),
    *("assertion.json.invalid", "assertion.boxesHash.unknownBox", "assertion.multipleHardBindings"),
    *("claim.cbor.invalid", "claim.hardBindings.missing", "claim.malformed", "claim.missing", "claim.multiple"),
    *("hashedURI.missing", "ingredient.manifest.missing", "manifest.compressed.invalid", "manifest.inaccessible"),
    *("manifest.html.multipleManifests", "manifest.multipleParents", "manifest.timestamp.invalid"),
    *(f"manifest.structuredText.{name}Reference" for name in ("empty", "malformed")),
    *(f"manifest.structuredText.{name}" for name in ("multipleReferences", "noManifest", "noResolutionPath")),
    *("manifest.timestamp.wrongParents", "manifest.update.invalid", "manifest.update.wrongParents"),
}
NOT_VALID = {
    *("assertion.action.ingredientMismatch", "assertion.action.redactionMismatch", "assertion.hardBinding.redacted"),
    *(f"assertion.{name}.mismatch" for name in ("bmffHash", "boxesHash", "collectionHash", "dataHash", "hashedURI")),
    *("assertion.external-reference.hashMismatch", "assertion.alternativeContentRepresentation.hashMismatch"),
    *("assertion.multiAssetHash.mismatch", "hashedURI.mismatch", "ingredient.manifest.mismatch"),
    *("ingredient.claimSignature.missing", "ingredient.claimSignature.mismatch", "claimSignature.missing"),
}
NOT_TRUSTED = {
    *("claimSignature.mismatch", "claimSignature.outsideValidity", "signingCredential.invalid"),
    *("signingCredential.ocsp.revoked", "signingCredential.untrusted"),
}
NOT_TO_POINT_TO = ("c2pa.hash", "c2pa.ingredient")

Json = Mapping[str, Any]


class NotTold(Exception):
    """A verifier's report does not hold what a check looks at."""


@dataclass(frozen=True)
class Told:
    """The active manifest as a verifier tells it. ``created``: labels of created assertions; None where not told."""

    label: str
    assertions: Mapping[str, Json]
    claim: Json
    created: Sequence[str] | None
    results: Json | None

    @classmethod
    def of_crjson(cls, store: Json) -> "Told":
        """From crJSON, as c2pa-python's ``Reader.crjson()`` gives it."""
        active = store["manifests"][0]
        claim = active.get("claim.v2") or {}
        created = [one["url"].rpartition("/")[2] for one in claim.get("created_assertions") or ()]
        return cls(active["label"], active["assertions"], claim, created, active.get("validationResults"))

    @classmethod
    def of_encypher(cls, report: Json) -> "Told":
        """From a report of encypher-c2pa, which does not tell which assertions are created."""
        told = report["manifest_report"]
        active = told["manifests"][told["active_manifest"]]
        assertions: dict[str, Json] = {}
        for one in active["assertions"]:
            same = sum(label.partition("__")[0] == one["label"] for label in assertions)
            assertions[f"{one['label']}__{same}" if same else one["label"]] = one["data"]
        claim = {"claim_generator_info": active["claim_generator_info"]}
        return cls(told["active_manifest"], assertions, claim, None, report["validation_results"])

    @property
    def actions(self) -> list[Json]:
        """All actions in order."""
        return [step for one in self.assertions.values() for step in _of(one, "actions")]

    @property
    def ingredients(self) -> list[Json]:
        """What the manifest says of each ingredient."""
        return [one for one in self.assertions.values() if "relationship" in one]

    def failed(self, codes: set[str]) -> list[str]:
        """Which of ``codes`` the verifier reports."""
        if self.results is None:
            return ["no results"]
        return [one["code"] for one in self.results.get("failure", ()) if one["code"] in codes]


def _of(one: Json, name: str) -> list[Any]:
    found = one.get(name)
    return found if isinstance(found, list) else []


def _base(label: str) -> str:
    return label.partition("__")[0]


Check = Callable[[Told, Version], list[Any]]
CHECKS: dict[str, Check] = {}
SINCE_24: set[str] = set()
INTEGRITY = (
    *("well_formed_data_present", "well_formed_success", "valid_data_present", "valid_success"),
    *("trusted_data_present", "trusted_success"),
)


def _check(*, since: Version = "2.2") -> Callable[[Check], Check]:
    def add(check: Check) -> Check:
        CHECKS[check.__name__] = check
        if since == "2.4":
            SINCE_24.add(check.__name__)
        return check

    return add


@_check()
def mandatory_dst_for_perceptible_transformations(told: Told, version: Version) -> list[Any]:
    free = INCEPTION | NOT_EDITORIAL | {"c2pa.placed"}
    names = [step["action"] for step in told.actions if not step.get("digitalSourceType")]
    return [name for name in names if name.startswith("c2pa.") and name not in free]


@_check(since="2.4")
def mandatory_spec_version(told: Told, version: Version) -> list[Any]:
    who = told.claim.get("claim_generator_info") or {}
    said = (who[0] if isinstance(who, list) else who).get("specVersion")
    return [] if isinstance(said, str) and said.split(".")[:2] == version.split(".") else [said]


@_check(since="2.4")
def mandatory_all_actions_included(told: Told, version: Version) -> list[Any]:
    return [
        label for label, one in told.assertions.items() if "actions" in one and one.get("allActionsIncluded") is None
    ]


@_check(since="2.4")
def no_dst_for_opened_action(told: Told, version: Version) -> list[Any]:
    return [step for step in told.actions if step["action"] == "c2pa.opened" and step.get("digitalSourceType")]


@_check()
def well_formed_data_present(told: Told, version: Version) -> list[Any]:
    return [] if told.results is not None else ["no results"]


@_check()
def well_formed_success(told: Told, version: Version) -> list[Any]:
    return list(told.failed(ILL_FORMED))


@_check()
def valid_data_present(told: Told, version: Version) -> list[Any]:
    return [] if told.results is not None else ["no results"]


@_check()
def valid_success(told: Told, version: Version) -> list[Any]:
    return list(told.failed(NOT_VALID))


def trusted_data_present(told: Told, version: Version) -> list[Any]:
    return [] if told.results is not None else ["no results"]


def trusted_success(told: Told, version: Version) -> list[Any]:
    return list(told.failed(NOT_TRUSTED))


@_check()
def inception_action_position(told: Told, version: Version) -> list[Any]:
    if told.created is None:
        raise NotTold
    first = next((label for label in told.created if "c2pa.actions" in label), "")
    names = [step["action"] for step in told.actions]
    return (
        [] if first == "c2pa.actions.v2" and ("c2pa.created" not in names or names[0] in INCEPTION) else [first, names]
    )


@_check()
def no_deprecated_assertions(told: Told, version: Version) -> list[Any]:
    return [label for label in told.assertions if label.startswith("stds.") or label in OLD_ASSERTIONS]


@_check()
def no_unsupported_assertions(told: Told, version: Version) -> list[Any]:
    standard = [label for label in told.assertions if label.startswith("c2pa.")]
    return [label for label in standard if _base(label) not in ASSERTIONS[version] | OLD_ASSERTIONS]


@_check()
def no_deprecated_actions(told: Told, version: Version) -> list[Any]:
    return [step["action"] for step in told.actions if step["action"] in OLD_ACTIONS[version]]


@_check()
def no_unsupported_actions(told: Told, version: Version) -> list[Any]:
    standard = [step["action"] for step in told.actions if step["action"].startswith("c2pa.")]
    return [name for name in standard if name not in ACTIONS[version]]


@_check()
def no_unrecognized_custom_assertions(told: Told, version: Version) -> list[Any]:
    return [label for label in told.assertions if "." not in label]


@_check()
def no_unrecognized_custom_actions(told: Told, version: Version) -> list[Any]:
    return [step["action"] for step in told.actions if "." not in step["action"]]


@_check()
def no_unrecognized_custom_action_parameters(told: Told, version: Version) -> list[Any]:
    names = [name for step in told.actions for name in step.get("parameters") or ()]
    return [name for name in names if "." not in name and name not in PARAMETERS[version]]


@_check()
def discouraged_legacy_action_parameters(told: Told, version: Version) -> list[Any]:
    return [step for step in told.actions if {"description", "ingredient"} & {*(step.get("parameters") or ())}]


@_check()
def active_manifest_urn(told: Told, version: Version) -> list[Any]:
    return [] if told.label.startswith("urn:c2pa:") else [told.label]


@_check()
def review_ratings_datasource(told: Told, version: Version) -> list[Any]:
    rated = [one for one in told.assertions.values() if one.get("reviewRatings")]
    return [one for one in rated if str((one.get("dataSource") or {}).get("type", "")).startswith("humanEntry.")]


@_check()
def ingredient_v3_no_active_manifest(told: Told, version: Version) -> list[Any]:
    return [one for one in told.ingredients if not one.get("activeManifest") and one.get("validationResults")]


@_check()
def ingredient_v3_mandatory_validation_results(told: Told, version: Version) -> list[Any]:
    return [one for one in told.ingredients if one.get("activeManifest") and not one.get("validationResults")]


@_check()
def ingredient_relationship_values(told: Told, version: Version) -> list[Any]:
    known = {"parentOf", "inputTo", "componentOf"}
    return [one["relationship"] for one in told.ingredients if one["relationship"] not in known]


@_check()
def mandatory_dst_for_created_action(told: Told, version: Version) -> list[Any]:
    return [step for step in told.actions if step["action"] == "c2pa.created" and not step.get("digitalSourceType")]


@_check(since="2.4")
def no_deprecated_claim_fields(told: Told, version: Version) -> list[Any]:
    return ["specVersion in claim"] if "specVersion" in told.claim else []


@_check(since="2.4")
def ingredient_v3_choice(told: Told, version: Version) -> list[Any]:
    return [one for one in told.ingredients if one.get("activeManifest") and one.get("digitalSourceType")]


@_check(since="2.4")
def alternative_content_representation_choice(told: Told, version: Version) -> list[Any]:
    both = ("multiAssetPartIndex", "embeddedOriginalPreservationImage")
    found = []
    for one in told.assertions.values():
        how = one.get("parameters") or {}
        if "exif.originalPreservationImage" in (one.get("type"), how.get("type")):
            found += [one] if sum(name in how for name in both) != 1 else []
    return found


@_check(since="2.4")
def forbidden_labels_in_external_references(told: Told, version: Version) -> list[Any]:
    exact = {"c2pa.actions", "c2pa.actions.v2", "c2pa.cloud-data", "c2pa.external-reference"}
    pointing = [one for one in told.assertions.values() if {"label", "url"} <= one.keys() and "relationship" not in one]
    return [one["label"] for one in pointing if one["label"] in exact or one["label"].startswith(NOT_TO_POINT_TO)]


@_check(since="2.4")
def no_url_in_hashes(told: Told, version: Version) -> list[Any]:
    return [name for name in ("c2pa.hash.data", "c2pa.hash.bmff.v3") if "url" in told.assertions.get(name, {})]


@_check(since="2.4")
def all_actions_included_opened(told: Told, version: Version) -> list[Any]:
    whole = told.assertions.get("c2pa.actions.v2", {}).get("allActionsIncluded") is True
    alone = [step["action"] for step in told.actions] == ["c2pa.opened"]
    return ["opened alone, and not said to be all"] if alone and not whole else []


@_check(since="2.4")
def opened_action_ingredient_reference(told: Told, version: Version) -> list[Any]:
    opened = [step for step in told.actions if step["action"] == "c2pa.opened"]
    return [step for step in opened if len(_of(step.get("parameters") or {}, "ingredients")) != 1]


@_check(since="2.4")
def no_box_hash_for_tiff(told: Told, version: Version) -> list[Any]:
    kind = told.assertions.get("c2pa.asset-type.v2", {}).get("dc:format")
    return [kind] if "c2pa.hash.boxes" in told.assertions and kind in ("image/tiff", "image/x-adobe-dng") else []


def wrong(told: Told, version: Version = "2.4") -> Iterator[tuple[str, list[Any] | None]]:
    """Every check of a version's list by name, with what is wrong; None where the report does not tell."""
    for name, check in CHECKS.items():
        if version == "2.4" or name not in SINCE_24:
            try:
                yield name, check(told, version)
            except NotTold:
                yield name, None


def unsound(told: Told) -> Iterator[tuple[str, list[Any] | None]]:
    """The checks of integrity and trust."""
    for name in INTEGRITY:
        yield name, {**CHECKS, **TRUST}[name](told, "2.4")


TRUST: Mapping[str, Check] = {check.__name__: check for check in (trusted_data_present, trusted_success)}

assert (len(CHECKS), len(CHECKS) - len(SINCE_24), len(INTEGRITY)) == (31, 20, 6), json.dumps(sorted(CHECKS))
