-- Two categories, or two products, in the same order. Among the orders that hold at least two
-- different items of that kind: support is the share with both, and lift says how much more
-- often they meet than two items would that know nothing of each other.
with tags as (
    select distinct 'category' as kind, order_id, category as item from {{ ref('sold_lines') }}
    union all
    select distinct 'product' as kind, order_id, sku as item from {{ ref('sold_lines') }}
),

baskets as (
    select kind, order_id, item
    from tags
    qualify count(*) over (partition by kind, order_id) > 1
),

totals as (
    select kind, count(distinct order_id) as orders from baskets group by kind
),

items as (
    select kind, item, count(*) as orders from baskets group by kind, item
),

pairs as (
    select one.kind, one.item as item_a, other.item as item_b, count(*) as orders
    from baskets as one
    join baskets as other
        on other.kind = one.kind and other.order_id = one.order_id and other.item > one.item
    group by all
)

select
    pairs.kind,
    pairs.item_a,
    pairs.item_b,
    pairs.orders,
    pairs.orders / totals.orders as support,
    pairs.orders * totals.orders / (a.orders * b.orders) as lift
from pairs
join totals on totals.kind = pairs.kind
join items as a on a.kind = pairs.kind and a.item = pairs.item_a
join items as b on b.kind = pairs.kind and b.item = pairs.item_b
