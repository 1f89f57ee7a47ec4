"""A work's turns as a graph in the terminal: one lane a branch, people and machines told apart by sign and colour."""

import click

from vesica.cli.telling import what, who
from vesica.ledger.store import Row
from vesica.work import Partner, Turn

HUMAN, MACHINE = (0, 114, 178), (213, 94, 0)
"""The design's blue, and its orange lightened for dark terminals; the signs tell the same without colour."""

_SIGNS = {"person": "●", "engine": "◆", "program": "○"}


def graph(entries: list[tuple[Row, Turn]]) -> str:
    """One line a turn, newest first. A lane opens where a branch leaves its parent's lane."""
    lanes: dict[str, int] = {}
    for _, turn in entries:
        lanes.setdefault(turn.branch, len(lanes))
    first = {turn.branch: turn for _, turn in reversed(entries)}
    lines = []
    open_lanes: set[str] = set()
    for _, turn in reversed(entries):
        open_lanes.add(turn.branch)
        cells = [
            _sign(turn.partner) if branch == turn.branch else "│" if branch in open_lanes else " " for branch in lanes
        ]
        lines.append(_line(" ".join(cells), turn))
        if first[turn.branch].id == turn.id and turn.parents:
            open_lanes.discard(turn.branch)
            lines += _fork(turn, lanes, open_lanes, entries)
    key = (
        f"{_sign(Partner('person'))} person   {_sign(Partner('engine'))} machine   {_sign(Partner('program'))} program"
    )
    return "\n".join([*lines, "", key])


def _fork(turn: Turn, lanes: dict[str, int], open_lanes: set[str], entries: list[tuple[Row, Turn]]) -> list[str]:
    """The line that joins a branch's first turn to the lane it left."""
    homes = {other.id: other.branch for _, other in entries}
    home = homes.get(turn.parents[0], turn.branch)
    if home == turn.branch:
        return []
    low, high = sorted((lanes[home], lanes[turn.branch]))
    row = []
    for branch, lane in lanes.items():
        if lane == lanes[home]:
            row.append("├" if low == lanes[home] else "┤")
        elif lane == lanes[turn.branch]:
            row.append("╯" if high == lane else "╰")
        else:
            row.append("─" if low < lane < high else "│" if branch in open_lanes else " ")
    line = ""
    for lane, cell in enumerate(row):
        line += cell + ("─" if low <= lane < high else " ")
    return [line.rstrip()]


def _sign(partner: Partner) -> str:
    colour = {"person": HUMAN, "engine": MACHINE}.get(partner.kind)
    return click.style(_SIGNS[partner.kind], fg=colour)


def _line(lane: str, turn: Turn) -> str:
    colour = {"person": HUMAN, "engine": MACHINE}.get(turn.partner.kind)
    name = click.style(who(turn.partner), fg=colour)
    when = turn.time.replace("T", " ").removesuffix("Z")
    return f"{lane}  {click.style(turn.id[:8], dim=True)}  {when}  {turn.branch}  {name}: {what(turn)}"
