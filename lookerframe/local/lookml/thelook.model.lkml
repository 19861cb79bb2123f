connection: "thelook"
label: "The Look"
fiscal_month_offset: 3

include: "users.view.lkml"
include: "products.view.lkml"
include: "orders.view.lkml"
include: "order_items.view.lkml"
include: "user_facts.view.lkml"

explore: order_items {
  label: "Order Items"
  description: "What was sold, with its order, customer and product."

  join: orders {
    relationship: many_to_one
    sql_on: ${order_items.order_id} = ${orders.id} ;;
  }

  join: users {
    relationship: many_to_one
    sql_on: ${orders.user_id} = ${users.id} ;;
  }

  join: user_facts {
    relationship: one_to_one
    sql_on: ${users.id} = ${user_facts.user_id} ;;
  }

  join: products {
    relationship: many_to_one
    foreign_key: product_id
  }
}

explore: orders {
  description: "Orders, with or without items."

  join: users {
    type: full_outer
    relationship: many_to_one
    sql_on: ${orders.user_id} = ${users.id} ;;
  }

  join: order_items {
    relationship: one_to_many
    sql_on: ${orders.id} = ${order_items.order_id} ;;
  }

  join: products {
    relationship: many_to_one
    sql_on: ${order_items.product_id} = ${products.id} ;;
  }
}

explore: users {
  label: "Customers"
  description: "Customers, with or without orders."

  join: orders {
    relationship: one_to_many
    sql_on: ${users.id} = ${orders.user_id} ;;
  }

  join: order_items {
    type: inner
    relationship: one_to_many
    sql_on: ${orders.id} = ${order_items.order_id} ;;
    fields: [ALL_FIELDS*, -order_items.total_discounted_distinct]
  }

  join: user_facts {
    relationship: one_to_one
    sql_on: ${users.id} = ${user_facts.user_id} ;;
  }
}

explore: completed_orders {
  from: orders
  label: "Completed Orders"
  description: "Orders that arrived; those of the last years unless a query says otherwise."
  sql_always_where: ${completed_orders.status} = 'complete' ;;

  always_filter: {
    filters: [completed_orders.created_year: "2023 to 2025"]
  }

  join: buyers {
    from: users
    relationship: many_to_one
    sql_on: ${completed_orders.user_id} = ${buyers.id} ;;
  }
}
