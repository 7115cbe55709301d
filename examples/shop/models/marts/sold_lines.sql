{{ config(materialized='view') }}

-- One row per line of an order that was not cancelled: what every mart counts as sold.
select
    items.id as order_item_id,
    orders.id as order_id,
    orders.ordered_at,
    customers.id as customer_id,
    customers.segment,
    regions.name as region,
    products.id as product_id,
    products.sku,
    products.category,
    items.quantity,
    cast(items.quantity * items.unit_price as decimal(18, 2)) as revenue
from {{ ref('order_items') }} as items
join {{ ref('orders') }} as orders on orders.id = items.order_id
join {{ ref('customers') }} as customers on customers.id = orders.customer_id
join {{ ref('regions') }} as regions on regions.id = customers.region_id
join {{ ref('products') }} as products on products.id = items.product_id
where orders.status <> 'cancelled'
