view: order_items {
  dimension: id {
    type: number
    primary_key: yes
  }

  dimension: order_id {
    type: number
    hidden: yes
  }

  dimension: product_id {
    type: number
    hidden: yes
  }

  dimension: quantity {
    type: number
  }

  dimension: sale_price {
    type: number
    value_format_name: usd
  }

  dimension: revenue {
    type: number
    sql: ${sale_price} * ${quantity} ;;
    value_format_name: usd
  }

  dimension: discount {
    type: number
    value_format_name: percent_0
  }

  dimension: is_discounted {
    type: yesno
    sql: ${discount} > 0 ;;
  }

  dimension: revenue_tier {
    type: tier
    tiers: [20, 50, 100, 200]
    sql: ${revenue} ;;
  }

  dimension_group: returned {
    type: time
    timeframes: [raw, date, month, year]
    sql: ${TABLE}.returned_at ;;
  }

  measure: count {
    type: count
    drill_fields: [id, orders.created_date, products.name, sale_price]
  }

  measure: total_revenue {
    type: sum
    sql: ${revenue} ;;
    value_format_name: usd
  }

  measure: average_sale_price {
    type: average
    sql: ${sale_price} ;;
    value_format_name: usd
  }

  measure: min_sale_price {
    type: min
    sql: ${sale_price} ;;
    value_format_name: usd
  }

  measure: max_sale_price {
    type: max
    sql: ${sale_price} ;;
    value_format_name: usd
  }

  measure: median_sale_price {
    type: median
    sql: ${sale_price} ;;
    value_format_name: usd
  }

  measure: sale_price_75th_percentile {
    type: percentile
    percentile: 75
    sql: ${sale_price} ;;
    value_format_name: usd
  }

  measure: total_discounted {
    type: sum
    sql: ${revenue} ;;
    filters: [is_discounted: "Yes", quantity: "1,2"]
    value_format_name: usd
  }

  measure: total_discounted_distinct {
    description: "The same, told apart by a key of its own"
    type: sum_distinct
    sql_distinct_key: ${id} ;;
    sql: ${revenue} ;;
    filters: [is_discounted: "Yes", quantity: "1,2"]
    value_format_name: usd
  }

  measure: discounted_share {
    type: number
    sql: ${total_discounted} / NULLIF(${total_revenue}, 0) ;;
    value_format_name: percent_2
  }
}
