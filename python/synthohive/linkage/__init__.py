"""Linkage: how many children each parent has, and which parents a child has besides."""
