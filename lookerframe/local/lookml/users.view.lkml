view: users {
  dimension: id {
    type: number
    primary_key: yes
  }

  dimension: first_name {}

  dimension: last_name {}

  dimension: name {
    sql: ${first_name} || ' ' || ${last_name} ;;
    link: {
      label: "Look up {{ value }}"
      url: "https://example.com/search?q={{ value | url_encode }}"
    }
  }

  dimension: email {
    tags: ["email"]
    html: <a href="mailto:{{ value }}">{{ rendered_value }}</a> ;;
  }

  dimension: age {
    type: number
  }

  dimension: age_tier {
    type: tier
    tiers: [0, 10, 20, 30, 40, 50, 60, 70, 80]
    style: integer
    sql: ${age} ;;
  }

  dimension: age_bin {
    type: bin
    bins: [18, 65]
    style: interval
    sql: ${age} ;;
  }

  dimension: gender {
    case: {
      when: { sql: ${TABLE}.gender = 'f' ;; label: "Female" }
      when: { sql: ${TABLE}.gender = 'm' ;; label: "Male" }
    }
  }

  dimension: city {
    group_label: "Address"
  }

  dimension: country {
    group_label: "Address"
  }

  dimension: zip {
    label: "ZIP"
    type: zipcode
    group_label: "Address"
  }

  dimension: location {
    type: location
    sql_latitude: ${TABLE}.latitude ;;
    sql_longitude: ${TABLE}.longitude ;;
  }

  dimension: shop {
    hidden: yes
    type: location
    sql_latitude: 52.52 ;;
    sql_longitude: 13.405 ;;
  }

  dimension: distance_to_shop {
    type: distance
    start_location_field: location
    end_location_field: shop
    units: kilometers
    value_format_name: decimal_1
  }

  dimension: traffic_source {
    suggestions: ["Search", "Organic", "Email", "Facebook"]
  }

  dimension_group: created {
    type: time
    timeframes: [raw, time, date, week, month, quarter, year, fiscal_quarter, fiscal_year]
    sql: ${TABLE}.created_at ;;
  }

  measure: count {
    type: count
    drill_fields: [id, name, email, created_date]
  }

  measure: average_age {
    type: average
    sql: ${age} ;;
    value_format_name: decimal_1
  }

  measure: median_age {
    type: median
    sql: ${age} ;;
  }

  measure: age_90th_percentile {
    type: percentile
    percentile: 90
    sql: ${age} ;;
  }

  measure: countries {
    type: list
    list_field: country
  }

  measure: first_joined {
    type: date
    sql: MIN(${created_raw}) ;;
  }
}
