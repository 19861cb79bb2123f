# What each customer did, computed from their orders.
view: user_facts {
  derived_table: {
    sql:
      SELECT user_id, COUNT(*) AS orders, MIN(created_at) AS first_order_at
      FROM ${orders.SQL_TABLE_NAME}
      WHERE user_id IS NOT NULL
      GROUP BY user_id ;;
  }

  dimension: user_id {
    type: number
    primary_key: yes
    hidden: yes
  }

  dimension: orders {
    label: "Lifetime Orders"
    type: number
  }

  dimension_group: first_order {
    type: time
    timeframes: [raw, date, month, year]
    sql: ${TABLE}.first_order_at ;;
  }

  measure: average_orders {
    label: "Average Lifetime Orders"
    type: average
    sql: ${orders} ;;
    value_format_name: decimal_2
  }
}
