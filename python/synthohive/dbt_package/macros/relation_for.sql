{# The synthetic twin of a relation while synthetic tables are being read, else the relation. #}
{% macro relation_for(relation, name=none) %}
  {%- set wanted = name if name is not none else relation.identifier -%}
  {%- set schema = var('synthetic_schema', 'synthetic') -%}
  {%- set chosen = var('synthetic_tables', []) -%}
  {%- if not var('use_synthetic', false)
      or relation.schema == schema
      or (chosen and wanted not in chosen) -%}
    {{ return(relation) }}
  {%- endif -%}
  {{ return(api.Relation.create(
      database=target.database, schema=schema, identifier=wanted, type='table')) }}
{% endmacro %}
