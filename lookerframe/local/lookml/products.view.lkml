view: products {
  dimension: id {
    type: number
    primary_key: yes
  }

  dimension: name {}

  dimension: brand {}

  dimension: category {}

  dimension: sku {
    label: "SKU"
    description: "Six digits, with zeros in front"
  }

  dimension: cost {
    type: number
    value_format_name: usd
  }

  dimension: retail_price {
    type: number
    value_format_name: usd
  }

  dimension: price_tier {
    type: tier
    tiers: [10, 50, 100]
    style: relational
    sql: ${retail_price} ;;
  }

  measure: count {
    type: count
    drill_fields: [id, name, brand, category]
  }

  measure: total_cost {
    type: sum
    sql: ${cost} ;;
    value_format_name: usd
  }

  measure: average_retail_price {
    type: average
    sql: ${retail_price} ;;
    value_format_name: usd
  }

  measure: brands {
    type: list
    list_field: brand
  }
}
