# Every column of the table nycflights13.planes.
view: planes {
  dimension: tailnum {
    primary_key: yes
    description: "Tail number of the plane"
  }

  dimension: year {
    type: number
    description: "Year of manufacture"
    value_format_name: id
  }

  dimension: type {}

  dimension: manufacturer {}

  dimension: model {}

  dimension: engines {
    type: number
  }

  dimension: seats {
    type: number
  }

  dimension: seats_tier {
    type: tier
    tiers: [50, 100, 200, 300]
    style: integer
    sql: ${seats} ;;
  }

  dimension: speed {
    type: number
    description: "Average cruising speed, in miles an hour"
  }

  dimension: engine {
    description: "Type of engine"
  }

  measure: count {
    type: count
    drill_fields: [tailnum, manufacturer, model]
  }

  measure: total_seats {
    type: sum
    sql: ${seats} ;;
  }

  measure: average_seats {
    type: average
    sql: ${seats} ;;
    value_format_name: decimal_1
  }

  measure: median_seats {
    type: median
    sql: ${seats} ;;
  }
}
