with sold as (
    select
        customer_id,
        count(distinct order_id) as orders,
        sum(revenue) as revenue,
        cast(min(ordered_at) as date) as first_order_on,
        cast(max(ordered_at) as date) as last_order_on
    from {{ ref('sold_lines') }}
    group by customer_id
)

select
    customers.id as customer_id,
    customers.segment,
    regions.name as region,
    coalesce(sold.orders, 0) as orders,
    coalesce(sold.revenue, 0) as revenue,
    sold.first_order_on,
    sold.last_order_on
from {{ ref('customers') }} as customers
join {{ ref('regions') }} as regions on regions.id = customers.region_id
left join sold on sold.customer_id = customers.id
