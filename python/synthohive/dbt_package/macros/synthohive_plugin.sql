{# Name of the Python plugin in the profile, or an error that says what to do. #}
{% macro synthohive_plugin() %}
  {%- if (dbt_version.split('.') | first | int) >= 2 -%}
    {%- do exceptions.raise_compiler_error(
        "synthohive: this dbt runs no Python plugins; run this instead:\n"
        "  synthohive synthesize --project-dir .") -%}
  {%- endif -%}
  {%- if target.type != 'duckdb' -%}
    {%- do exceptions.raise_compiler_error(
        "synthohive: works on DuckDB only, and this target is " ~ target.type) -%}
  {%- endif -%}
  {%- for plugin in adapter.config.credentials.plugins or [] -%}
    {%- if plugin.module in ('synthohive.dbt', 'synthohive.dbt.plugin') -%}
      {{ return(plugin.alias or plugin.module.split('.') | last) }}
    {%- endif -%}
  {%- endfor -%}
  {%- do exceptions.raise_compiler_error(
      "synthohive: add the plugin to this target in profiles.yml:\n"
      "  plugins:\n"
      "    - module: synthohive.dbt.plugin\n"
      "      alias: synthohive") -%}
{% endmacro %}
