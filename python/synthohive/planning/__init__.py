"""From a schema to the plan of its generation."""

from synthohive.planning.describe import describe
from synthohive.planning.graph import SchemaGraph
from synthohive.planning.plan import Plan, Step, plan
from synthohive.schema.context import ContextColumn

__all__ = ["ContextColumn", "Plan", "SchemaGraph", "Step", "describe", "plan"]
