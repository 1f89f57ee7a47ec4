"""The C2PA manifest that says what ``Facts`` say, as the JSON that the signing library reads."""

from importlib.metadata import version
from typing import Any

from vesica.export.facts import SOURCE_TYPES, Action, Facts, Ingredient, ModelUse, check, source_of, taken_in

SPEC = "2.4.0"
LEDGER, AUTHORSHIP = "org.vesica.ledger", "org.vesica.authorship"
# Assertions outside this list are only "gathered": a verifier may not take them as the studio's own word.
OURS = (
    "c2pa.actions",
    "c2pa.actions.v2",
    "c2pa.ingredient",
    "c2pa.ingredient.v3",
    "c2pa.ai-disclosure",
    LEDGER,
    AUTHORSHIP,
)


def generator() -> dict[str, Any]:
    """Who made the claim: this program, never this computer or its user."""
    return {"name": "vesica", "version": version("vesica"), "specVersion": SPEC}


def settings(roots: str = "") -> dict[str, Any]:
    """Settings of the signing library: no thumbnails, no network, and ``roots`` (PEM) as the only ones trusted."""
    told: dict[str, Any] = {
        "builder": {
            "thumbnail": {"enabled": False},
            "created_assertion_labels": list(OURS),
            "claim_generator_info": generator(),
        },
        "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_trust": True},
        "core": {"allowed_network_hosts": []},
    }
    return {**told, "trust": {"user_anchors": roots}} if roots else told


def manifest(facts: Facts, media_type: str) -> dict[str, Any]:
    """The manifest without its ingredients, which the library adds from their bytes (``ingredient``)."""
    check(facts)
    models = {use.digest: use for action in facts.actions for use in action.models}
    assertions = [
        {
            "label": "c2pa.actions.v2",
            "data": {
                "actions": [
                    _action(action, [_name(place) for place in places])
                    for action, places in zip(facts.actions, taken_in(facts), strict=True)
                ],
                "allActionsIncluded": facts.complete,
            },
        },
        *({"label": "c2pa.ai-disclosure", "data": _disclosed(use)} for use in models.values()),
    ]
    if facts.head:
        assertions.append({"label": LEDGER, "data": dict(facts.head)})
    if facts.authorship:
        beside = [
            {"name": one.name, "kind": one.kind, "type": one.media_type, "sha256": one.digest} for one in facts.beside
        ]
        assertions.append({"label": AUTHORSHIP, "data": _known(units=dict(facts.authorship), files=beside)})
    return {
        "claim_generator_info": [generator()],
        **_known(title=facts.title),
        "format": media_type,
        "assertions": assertions,
        # Those whose bytes stay at home: title and digest alone.
        "ingredients": [ingredient(part, index) for index, part in enumerate(facts.ingredients) if part.data is None],
    }


def _name(index: int) -> str:
    return f"ingredient-{index + 1}"


def ingredient(part: Ingredient, index: int) -> dict[str, Any]:
    """What the library needs to know of an ingredient beside its bytes."""
    return _known(
        title=part.title,
        format=part.media_type,
        relationship=part.relationship,
        description=part.rights and f"Rights: {part.rights}",
        label=_name(index),
        instance_id=part.digest and f"sha256:{part.digest}",
    )


def _action(action: Action, ingredients: list[str]) -> dict[str, Any]:
    told: dict[str, Any] = {"action": f"c2pa.{action.kind}"}
    if action.kind != "opened":
        source = source_of(action)
        assert source in SOURCE_TYPES
        told["digitalSourceType"] = source
    if action.by != "human":
        told["softwareAgent"] = _known(
            **{
                "name": action.engine or "vesica",
                "version": action.version or version("vesica"),
                "org.vesica.models": [{"name": use.name, "digest": f"sha256:{use.digest}"} for use in action.models],
            }
        )
    parameters = _known(
        **{
            "org.vesica.by": action.by,
            "org.vesica.name": action.name,
            "org.vesica.turn": action.turn,
            "org.vesica.params": dict(action.params),
            "ingredientIds": ingredients,
        }
    )
    if action.seed is not None:
        parameters["org.vesica.seed"] = action.seed
    return {**told, **_known(when=action.when, description=action.description), "parameters": parameters}


def _disclosed(use: ModelUse) -> dict[str, Any]:
    return {
        "modelType": "c2pa.types.model",
        "modelName": use.name,
        "modelIdentifier": f"sha256:{use.digest}",
        "org.vesica.licence": use.licence,
    }


def _known(**facts: Any) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value not in ("", [], {}, None)}
