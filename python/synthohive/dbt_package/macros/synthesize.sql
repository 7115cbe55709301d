{# Land a synthetic copy of the project's tables. The work is done by the Python plugin, in
   dbt's own process and on its own database connection. #}
{% macro synthesize(
    select=none, exclude=none, scale=none, rows=none, seed=none, schema=none,
    source_name=none, sources_file='', epochs=none, max_steps=none, rounds=none, device=none,
    threads=none, on_orphans='', first_key=none, model=none, reuse=none, dry_run=none
) %}
  {%- if not execute -%}{{ return(none) }}{%- endif -%}
  {%- set plugin = synthohive_plugin() -%}
  {%- set settings = {
      'select': select, 'exclude': exclude, 'scale': scale, 'rows': rows, 'seed': seed,
      'schema': schema if schema is not none else var('synthetic_schema', none),
      'source_name': source_name, 'epochs': epochs, 'max_steps': max_steps, 'rounds': rounds,
      'device': device, 'threads': threads, 'first_key': first_key, 'model': model, 'reuse': reuse,
      'dry_run': dry_run
  } -%}
  {%- set args = {} -%}
  {%- for name, value in settings.items() if value is not none -%}
    {%- do args.update({name: value}) -%}
  {%- endfor -%}
  {#- a bare null means something for these two: drop the orphans' keys, write no file -#}
  {%- if on_orphans != '' -%}{%- do args.update({'on_orphans': on_orphans}) -%}{%- endif -%}
  {%- if sources_file != '' -%}{%- do args.update({'sources_file': sources_file}) -%}{%- endif -%}
  {#- naming kwargs makes Jinja collect unknown names, which the plugin answers with a suggestion -#}
  {%- do args.update(kwargs) -%}
  {%- set request = {
      'protocol': 1, 'args': args, 'graph': graph, 'database': target.database,
      'project_dir': invocation_args_dict.get('project_dir') or '.',
      'quiet': flags.QUIET, 'log_format': flags.LOG_FORMAT
  } -%}
  {%- set relation = api.Relation.create(
      database=target.database, schema=args.get('schema', 'synthetic'),
      identifier='_synthohive_runs') -%}
  {%- do adapter.store_relation(plugin, relation, [], '', '', request) -%}
  {{ return(request['result']) }}
{% endmacro %}
