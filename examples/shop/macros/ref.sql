{# ref() of a seed gives its synthetic twin when `--vars '{use_synthetic: true}'` says so.
   Models and tests stay as they are, and so does the DAG. #}
{% macro ref() %}
  {%- set relation = builtins.ref(*varargs, **kwargs) -%}
  {%- if relation.schema == 'raw' -%}
    {{ return(synthohive.relation_for(relation, relation.identifier)) }}
  {%- endif -%}
  {{ return(relation) }}
{% endmacro %}
