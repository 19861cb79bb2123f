view: orders {
  dimension: id {
    type: number
    primary_key: yes
  }

  dimension: user_id {
    type: number
    hidden: yes
  }

  dimension: status {}

  dimension: note {
    description: "What the customer wrote, line breaks and all"
  }

  dimension_group: created {
    type: time
    timeframes: [
      raw, time, hour, hour_of_day, date, day_of_week, week, month, month_name, quarter, year, fiscal_quarter, fiscal_year
    ]
    sql: ${TABLE}.created_at ;;
  }

  dimension_group: shipped {
    type: time
    timeframes: [raw, time, date, month]
    sql: ${TABLE}.shipped_at ;;
  }

  dimension_group: delivered {
    type: time
    timeframes: [raw, time, date, month]
    sql: ${TABLE}.delivered_at ;;
  }

  dimension_group: to_delivery {
    type: duration
    intervals: [hour, day, week]
    sql_start: ${created_raw} ;;
    sql_end: ${delivered_raw} ;;
  }

  dimension: is_delivered {
    type: yesno
    sql: ${delivered_raw} IS NOT NULL ;;
  }

  measure: count {
    type: count
    drill_fields: [detail*]
  }

  measure: count_of_users {
    type: count_distinct
    sql: ${user_id} ;;
  }

  measure: delivered_count {
    type: count
    filters: [is_delivered: "Yes"]
  }

  measure: complete_or_shipped_count {
    type: count
    filters: [status: "complete,shipped"]
  }

  measure: share_delivered {
    type: number
    sql: 1.0 * ${delivered_count} / NULLIF(${count}, 0) ;;
    value_format_name: percent_1
  }

  measure: has_guests {
    type: yesno
    sql: ${count_of_users} < ${count} ;;
  }

  measure: average_days_to_delivery {
    type: average
    sql: ${days_to_delivery} ;;
    value_format_name: decimal_2
  }

  set: detail {
    fields: [id, created_time, status, users.name]
  }
}
