"""Second half of generation, first step: every row's secondary parents and self reference.

All rows of all tables are drawn by now, so any row can be referred to. A row has drawn the
group of parents it wants; here it gets one of them, each parent about as often as its own
quota says. The result, a parent position per row, goes to the spool.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from synthohive.synthesis.distinct import make_distinct
from synthohive.synthesis.draw import draw_edge_counts
from synthohive.synthesis.features import count_name, edges_into
from synthohive.synthesis.hierarchies import assign_hierarchy
from synthohive.synthesis.keys import assignment_order
from synthohive.synthesis.links import assign_link, drop_ladder
from synthohive.synthesis.memory import give_back
from synthohive.synthesis.nulls import fill_bare, settle_nulls

if TYPE_CHECKING:
    from synthohive.linkage.assignment import Ladder
    from synthohive.schema.model import ForeignKey
    from synthohive.synthesis.generation import Generation


def assign(generation: Generation) -> None:
    """Find the parents of every table's secondary, deferred and self references."""
    _draw_quotas(generation)
    for table in generation.fitted.tables.values():
        if table.kept is not None:
            continue
        links = {link.fk: link for link in table.links}
        decided = [] if table.driver is None else [table.driver.fk]
        ladders: dict[ForeignKey, Ladder] = {}
        settle_nulls(generation, table)
        for fk in assignment_order(table, links):
            ladders[fk] = assign_link(generation, table, links[fk], decided)
            decided.append(fk)
        if table.hierarchy is not None:
            assign_hierarchy(generation, table, table.hierarchy)
        make_distinct(generation, table, ladders)
        fill_bare(generation, table)
        for fk in ladders:
            drop_ladder(generation, table, fk)
        give_back()


def _draw_quotas(generation: Generation) -> None:
    """Draw how often each parent should be chosen by the keys that do not decide rows."""
    for parent in generation.fitted.tables:
        for child, fk in edges_into(generation.fitted.plan, parent):
            if generation.spool.has(parent, count_name((child, fk))):
                continue
            links = {link.fk: link for link in generation.fitted.tables[child].links}
            deque(draw_edge_counts(generation, (child, fk), links[fk].quotas), maxlen=0)
