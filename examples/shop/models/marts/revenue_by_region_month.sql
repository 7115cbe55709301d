select
    region,
    cast(date_trunc('month', ordered_at) as date) as month,
    count(distinct order_id) as orders,
    count(distinct customer_id) as customers,
    sum(revenue) as revenue
from {{ ref('sold_lines') }}
group by all
