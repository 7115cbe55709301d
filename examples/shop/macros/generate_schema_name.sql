{# Schemas are named exactly as configured. While the synthetic tables are being read, models
   land beside the real ones, in `synthetic_<schema>`. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
  {%- set name = (custom_schema_name or target.schema) | trim -%}
  {%- if node.resource_type == 'model' and var('use_synthetic', false) -%}
    synthetic_{{ name }}
  {%- else -%}
    {{ name }}
  {%- endif -%}
{%- endmacro %}
